"""Who may do what, when, and the record of who did it."""
