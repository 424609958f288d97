"""Benchmarks: each beside a peer in the same run, printed as JSON lines. `python -m bench NAME`."""
