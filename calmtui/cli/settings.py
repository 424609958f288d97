"""The settings that a command runs under: what was typed before its name, the environment, the file, the default."""

from __future__ import annotations

from pathlib import Path

import typer

from calmtui.estate.settings import Settings
from calmtui.estate.settings import settings as _settings

__all__ = ["Settings", "settings", "typed"]


def typed(context: typer.Context, inventory: Path | None, read_only: bool, theme: str | None) -> None:
    """Remember what was typed before the command's name."""
    context.obj = {"inventory": inventory, "read_only": read_only or None, "theme": theme}


def settings(context: typer.Context) -> Settings:
    """The settings that hold. Raises EstateError with what is wrong in the file and the environment."""
    return _settings(context.obj)
