"""The settings that a command runs under: what was typed before its name, the environment, the file, the default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from calmtui.errors import Refused
from calmtui.estate.settings import Settings
from calmtui.estate.settings import settings as _settings

if TYPE_CHECKING:
    from calmtui.estate.model import Estate

__all__ = ["Settings", "changing", "refuse_read_only", "settings", "typed"]


def typed(context: typer.Context, inventory: Path | None, read_only: bool, theme: str | None) -> None:
    """Remember what was typed before the command's name."""
    context.obj = {"inventory": inventory, "read_only": read_only or None, "theme": theme}


def settings(context: typer.Context) -> Settings:
    """The settings that hold. Raises EstateError with what is wrong in the file and the environment."""
    return _settings(context.obj)


def changing(context: typer.Context) -> Settings:
    """The settings, for a command that changes something without asking the gate. Raises Refused, EstateError."""
    from calmtui.estate.load import load_estate

    chosen = settings(context)
    refuse_read_only(chosen, load_estate(chosen.inventory) if chosen.inventory else None)
    return chosen


def refuse_read_only(chosen: Settings, estate: Estate | None) -> None:
    """Raise Refused when nothing may be changed: calmtui was started so, or the estate is."""
    if estate is not None and estate.read_only:
        raise Refused("the estate is read-only", where=estate.name, next_step="its file says so with read_only")
    if chosen.read_only:
        raise Refused("calmtui runs read-only", next_step="start it without --read-only to change things")
