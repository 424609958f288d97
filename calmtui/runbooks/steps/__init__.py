"""The steps of runbooks: a file for each kind, with how it is written, what it says it does, and how it is done."""
