"""The command line: the same core as the screens, for scripts. Results go to stdout, all else to stderr."""
