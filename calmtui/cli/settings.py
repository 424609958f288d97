"""What was said before the command's name: it holds for every command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer


@dataclass(frozen=True)
class Settings:
    """The options of `calmtui` itself."""

    inventory: Path | None = None
    """An estate file or the folder that holds one; None: what this machine is set up for."""
    read_only: bool = False
    theme: str | None = None
    """Name of a colour theme; None: as the estate or the configuration says."""


def settings(context: typer.Context) -> Settings:
    """The options that a command runs under."""
    found = context.obj
    assert isinstance(found, Settings)
    return found
