"""Jobs: what is asked for, run over cases, recorded, resumed."""
