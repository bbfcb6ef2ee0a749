"""Tables, JSON, safe names, archives, and where a file came from."""
