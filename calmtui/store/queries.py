"""The queries that an operator has saved for an estate, by name."""

from __future__ import annotations

from pathlib import Path

from calmtui.store import views

_VIEW = "queries"
"""Under which name they are kept among the views."""


def load(estate: str, *, path: Path | None = None) -> dict[str, str]:
    """Every saved query of an estate. Raises StoreError."""
    return dict(views.load(estate, path=path).get(_VIEW, {}))


def save(estate: str, name: str, text: str, *, path: Path | None = None) -> dict[str, str]:
    """Keep a query under a name, in place of what it named before; an empty one forgets it. Returns what is saved now.

    Blocks: call it in a thread. Raises StoreError.
    """
    kept = load(estate, path=path)
    kept.pop(name, None)
    if text:
        kept[name] = text
    views.save(estate, {_VIEW: kept}, path=path)
    return kept
