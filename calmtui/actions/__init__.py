"""What can be done to nodes: the catalogue, plans, their execution, and an outcome for each node."""
