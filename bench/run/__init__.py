"""Parts of the bench of runs."""
