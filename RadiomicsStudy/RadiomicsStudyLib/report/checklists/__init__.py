"""Reporting checklists: their items, and which of them the program can fill from what it has done."""
