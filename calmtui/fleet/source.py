"""How a source is doing: said on its row and in the status line, never by emptying the tree."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Health(StrEnum):
    """Where a source stands."""

    OFF = "off"
    """Not asked for: switched off by the operator."""
    CONNECTING = "connecting"
    """No answer yet; nodes shown, if any, are the last known ones."""
    LIVE = "live"
    """Snapshot taken and changes coming in."""
    PARTIAL = "partial"
    """Live, but some scope of it (a region, a kind, a host) is failing."""
    STALE = "stale"
    """Failing; its nodes are the last known ones."""


class SourceStatus(msgspec.Struct, frozen=True):
    """One source at one moment."""

    name: str
    kind: str
    """Its provider: `aws`, `docker`, `kubernetes`, `ssh`."""
    health: Health = Health.CONNECTING
    error: str = ""
    """What is wrong and what to do about it; of a partial source, its worst scope's."""
    scopes: dict[str, str] = {}
    """Failing scopes of a partial source, with their errors."""
    confirmed_at: float | None = None
    """When its nodes were last known to be true, seconds since the epoch; None: never."""
    took_ms: int | None = None
    """From the first connection attempt to the first complete snapshot."""
    retry_at: float | None = None
    """When the next attempt is made, seconds since the epoch."""
    reconnects: int = 0
    """How often it had to begin again since the start."""
    nodes: int = 0

    @property
    def settled(self) -> bool:
        """Whether it has answered or failed, so that a command need not wait for it."""
        return self.health is not Health.CONNECTING
