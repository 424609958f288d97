"""Ways to the other side that several providers share."""
