"""The database: what this user's consoles remember from one start to the next."""
