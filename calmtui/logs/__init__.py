"""Logs of many nodes as one: made safe, timed, merged, kept, filtered. Works without a screen."""
