"""An estate as it was declared or discovered: names, sources with their settings, rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

DEFAULT_RULES: Mapping[str, tuple[str, ...]] = {
    "env": ("label.env", "label.environment", "label.Environment", "label.Env"),
    "service": (
        "label.app.kubernetes.io/name",
        "label.app",
        "label.k8s-app",
        "label.com.docker.compose.service",
        "label.service",
        "label.Service",
    ),
    "region": ("region", "label.topology.kubernetes.io/region", "label.region", "label.Region"),
}
"""What holds where an estate says nothing: the labels that the field has agreed on."""


@dataclass(frozen=True)
class SourceSpec:
    """One source as declared; `options` is its provider's validated model."""

    name: str
    provider: str
    options: Any
    enabled: bool = True
    """Whether to connect to it; when not, it is shown as off."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What `env`, `service` and `region` of its nodes are where neither a rule nor the provider says."""
    site: str = ""
    """Where it can be reached from: runs on its nodes go to workers that serve this site; empty: to any."""


@dataclass(frozen=True)
class Freeze:
    """A window of time, once or recurring, in which part of an estate is not changed."""

    name: str
    begins: datetime
    """Of the first window, without a zone: clocks in `zone` show it."""
    lasts: timedelta
    zone: str = "UTC"
    recurrence: str = ""
    """`FREQ=WEEKLY;BYDAY=FR` and the like (RFC 5545); empty: once."""
    scope: str = ""
    """The query of what is frozen; empty: everything."""
    excepted: str = ""
    """The query of what is not, of the scope."""
    reason: str = ""


@dataclass(frozen=True)
class Audit:
    """Where the records of an estate go besides its ledger."""

    file: Path | None = None
    """A file to append to, one JSON object a line."""
    syslog: str = ""
    """`unix:/dev/log`, or `udp://HOST:PORT`."""


@dataclass(frozen=True)
class StandardChange:
    """What needs no approval within its limits."""

    name: str
    action: str
    scope: str
    """The query of what it may be done to."""
    at_most: int = 1
    """Nodes at once."""


@dataclass(frozen=True)
class Notify:
    """How people outside of the console are told."""

    webhook: str = ""
    """A URL that takes a POST of JSON."""
    command: tuple[str, ...] = ()
    """A program and its arguments; it gets the JSON on its standard input."""


@dataclass(frozen=True)
class Estate:
    """What is looked after."""

    name: str
    sources: tuple[SourceSpec, ...] = ()
    derive: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(DEFAULT_RULES))
    path: Path | None = None
    """The file it came from, absolute; None when it was discovered."""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Queries by the name under which any query can use them: `{"canary": "label.track=canary"}` as `@canary`."""
    read_only: bool = False
    """The file says that nothing in it may be changed from here."""
    description: str = ""
    ledger: Path | None = None
    """The file in which it is recorded who did what, shared by those who look after it; None: each user's own."""
    database: str = ""
    """The URL of the PostgreSQL database that runs, and the ledger unless it is a file, are in; empty: files."""
    audit: Audit = Audit()
    policies: Path | None = None
    """The folder of its policies; it need not be there."""
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Accounts by the group that policies know them under, besides the groups of the system."""
    freezes: tuple[Freeze, ...] = ()
    standard: tuple[StandardChange, ...] = ()
    notify: Notify = Notify()

    def sites_of(self, sources: Iterable[str]) -> set[str]:
        """The sites that a worker serves which carries out something on nodes of these sources."""
        wanted = set(sources)
        return {spec.site for spec in self.sources if spec.name in wanted and spec.site}

    @property
    def folder(self) -> Path:
        """What relative paths in it are relative to."""
        return self.path.parent if self.path else Path.cwd()
