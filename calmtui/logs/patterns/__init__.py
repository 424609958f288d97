"""Patterns: many lines folded to the few templates that they were written from."""
