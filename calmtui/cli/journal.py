"""The journal of runs that a command goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.cli.settings import Settings

if TYPE_CHECKING:
    from calmtui.runbooks.journal import Journal


def journal(chosen: Settings) -> Journal:
    """That of the estate which is opened, in the database that it names or the settings do, else this user's file."""
    from calmtui.estate.load import load_estate
    from calmtui.runbooks.journal import Journal

    named = load_estate(chosen.inventory).database if chosen.inventory else ""
    return Journal(named or chosen.database or None)
