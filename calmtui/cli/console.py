"""`calmtui` alone: the console, opened without waiting for the import of the other commands' parser.

Importing typer takes a tenth of the time to the first paint. What is typed most, the console with no
more than its own options, is read here; everything else, mistakes and `--help` too, typer reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def read(argv: Sequence[str]) -> dict[str, Any] | None:
    """The console's options as they were typed; None when there is anything else, for typer to read."""
    typed: dict[str, Any] = {"inventory": None, "read_only": None, "theme": None}
    words = iter(argv)
    for word in words:
        if word == "--read-only":
            typed["read_only"] = True
        elif word in ("-i", "--inventory", "--theme"):
            value = next(words, "-")
            if value.startswith("-"):
                return None
            typed["theme" if word == "--theme" else "inventory"] = value if word == "--theme" else Path(value)
        else:
            return None
    return typed


def open_console(typed: dict[str, Any]) -> int:
    """Open it; returns what to exit with."""
    from calmtui.estate.settings import settings
    from calmtui.tui.start import run_console  # textual is not needed by the commands

    return run_console(settings(typed))
