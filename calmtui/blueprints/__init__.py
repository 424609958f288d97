"""Blueprints: a service described apart from its environments, its order, and what differs from it."""
