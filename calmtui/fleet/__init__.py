"""What is there: nodes, changes, the index over them, and how they are selected. Imports no other folder."""
