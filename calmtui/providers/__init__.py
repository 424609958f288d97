"""How to reach things: one folder for each kind of source, found through the entry points of this group.

`names()` imports nothing; `load(name)` imports one provider's own (cheap) module.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.providers.base import Provider

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "calmtui.providers"
"""The entry point group in which a distribution names its providers."""


@cache
def _registered() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # 20 ms that the first paint does not need

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def names() -> list[str]:
    """The providers that are installed, sorted."""
    return sorted(_registered())


@cache
def load(name: str) -> Provider:
    """The provider of that name. Raises UsageError when there is none."""
    entry = _registered().get(name)
    if entry is None:
        raise UsageError(f"there is no provider {name!r}", next_step=f"installed: {', '.join(names())}")
    provider: Provider = entry.load()
    return provider
