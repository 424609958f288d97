"""The folders of this user, by the XDG rules. Naming one makes nothing; `made` makes it."""

from __future__ import annotations

from pathlib import Path

import platformdirs

PRIVATE = 0o700
"""Folders are the user's alone: names of hosts and what was marked are nobody else's business."""


def config() -> Path:
    """Where the settings are: `$XDG_CONFIG_HOME/calmtui`."""
    return platformdirs.user_config_path("calmtui", appauthor=False)


def state() -> Path:
    """Where the database and the log file are: `$XDG_STATE_HOME/calmtui`."""
    return platformdirs.user_state_path("calmtui", appauthor=False)


def cache() -> Path:
    """Where things are that may be thrown away: `$XDG_CACHE_HOME/calmtui`."""
    return platformdirs.user_cache_path("calmtui", appauthor=False)


def made(folder: Path) -> Path:
    """The folder, made with its parents if it is not there: 0700. Raises OSError."""
    folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    return folder
