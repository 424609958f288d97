"""systemd units as `systemctl show` prints them, and which of them are worth showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

QUIET = ("systemd-*", "user@*", "user-runtime-dir@*", "getty@*", "serial-getty@*", "dbus*", "init.scope", "polkit*")
"""Services that run on every host and that nobody looks after: not shown unless they fail or are asked for."""


@dataclass(frozen=True)
class Unit:
    """One unit; its texts are untrusted."""

    name: str
    description: str = ""
    active: str = ""
    """`active`, `inactive`, `failed`, `activating`, `deactivating`, `reloading`."""
    sub: str = ""
    """`running`, `dead`, `exited`, `auto-restart`…"""
    result: str = ""
    """Why it failed: `exit-code`, `oom-kill`, `timeout`; `success` otherwise."""
    restarts: int | None = None
    """How often systemd restarted it by itself."""
    main_pid: int | None = None
    since: float | None = None
    """When it became active, seconds since the epoch."""
    enabled: str = ""


def parse_units(text: str, booted: float | None) -> tuple[Unit, ...]:
    """The units in the output of `systemctl show`: blocks of `Name=value` with an empty line between. Never raises."""
    units: dict[str, Unit] = {}
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = values.get("Id", "")
        if not name or values.get("LoadState") not in ("loaded", "masked", "error", "bad-setting"):
            continue
        units[name] = Unit(
            name=name,
            description=values.get("Description", ""),
            active=values.get("ActiveState", ""),
            sub=values.get("SubState", ""),
            result=values.get("Result", ""),
            restarts=_number(values.get("NRestarts", "")),
            main_pid=_number(values.get("MainPID", "")) or None,
            since=_since(values.get("ActiveEnterTimestampMonotonic", ""), booted),
            enabled=values.get("UnitFileState", ""),
        )
    return tuple(units.values())


def shown(units: Sequence[Unit], patterns: Sequence[str] | None) -> list[Unit]:
    """The units that failed or that the patterns ask for, in the host's order.

    Patterns are as in `SshOptions.units`: None asks for what runs and is not systemd's own.
    """
    if patterns is None:
        return [unit for unit in units if unit.active == "failed" or (unit.sub == "running" and not _any(unit, QUIET))]
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return [unit for unit in units if unit.active == "failed" or (_any(unit, wanted) and not _any(unit, unwanted))]


def queried(patterns: Sequence[str] | None) -> list[str]:
    """What to ask systemctl for: every service it has loaded, and what the patterns name besides.

    A unit asked for by its full name is found even when systemd has not loaded it.
    """
    named = [_full(pattern) for pattern in patterns or () if not pattern.startswith("!")]
    literal = [name for name in named if not set("*?[") & set(name)]
    return ["*.service", *literal, *(name for name in named if name not in literal and not name.endswith(".service"))]


def _any(unit: Unit, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(unit.name, _full(pattern)) or fnmatchcase(unit.name, pattern) for pattern in patterns)


def _full(pattern: str) -> str:
    """A pattern without a type means services, as for systemctl."""
    return pattern if "." in pattern else f"{pattern}.service"


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _since(microseconds: str, booted: float | None) -> float | None:
    after_boot = _number(microseconds)
    return None if not after_boot or booted is None else booted + after_boot // 1_000_000
