"""What holds for one host, once ssh_config and the command line have been looked at together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What holds for one host. Paths are absolute."""

    alias: str
    """The name that was asked for."""
    hostname: str
    port: int
    user: str
    identities: tuple[Path, ...] = ()
    """Private keys to offer, in order; empty: the usual ones of `~/.ssh`."""
    certificates: tuple[Path, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    """The agent's socket; None: no agent."""
    jumps: tuple[str, ...] = ()
    """Jump hosts as `[user@]host[:port]`, the first to connect to first."""
    proxy_command: str | None = None
    known_hosts: tuple[Path, ...] = ()
    """Files that hold the trusted keys, the user's first; any of them may be missing."""
    host_key_alias: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    """Every other directive as written, keyword in lower case."""
    unheeded: tuple[str, ...] = ()
    """Directives that are not followed, each with its place: `StrictHostKeyChecking (/home/…/config:3)`."""
