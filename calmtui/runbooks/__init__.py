"""Runbooks: what a team does again and again, written down, planned, carried out on many nodes and accounted for."""
