"""The parts of `python -m bench logs`."""
