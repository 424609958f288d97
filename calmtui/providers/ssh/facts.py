"""What a host says of itself: one script, one round trip, one pure parser that takes whatever comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from calmtui.errors import SourceError, Unreachable
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.run import run
from calmtui.providers.ssh.units import Unit, parse_units, queried

SEPARATOR = "\x1e"
LOOK_SECONDS = 20
_LONGEST = 200
"""Characters of a value that are kept."""


@dataclass(frozen=True)
class Facts:
    """What is known of a host; None and empty where it does not say. Every text is untrusted."""

    hostname: str = ""
    system: str = ""
    """`Linux`, `FreeBSD`, `Darwin`."""
    kernel: str = ""
    arch: str = ""
    shell: str = ""
    """The login shell of the user that we are."""
    user: str = ""
    os: str = ""
    """`Debian GNU/Linux 12 (bookworm)`."""
    os_id: str = ""
    """`debian`."""
    cpus: int | None = None
    load: tuple[float, float, float] | None = None
    """Over 1, 5 and 15 minutes."""
    memory: int | None = None
    """Bytes."""
    memory_available: int | None = None
    disk: int | None = None
    """Bytes of the root file system."""
    disk_used: int | None = None
    booted: float | None = None
    """Seconds since the epoch."""
    addresses: tuple[str, ...] = ()
    machine_id: str = ""
    cloud_id: str = ""
    """The cloud's own id of the instance, as cloud-init has it."""
    board_id: str = ""
    """What the vendor wrote on the board: the instance's id on EC2's newer types."""
    systemd: str = ""
    """What `systemctl is-system-running` says; empty where systemd does not run."""
    units: tuple[Unit, ...] = field(default=())


@cache
def script() -> bytes:
    """What a POSIX shell runs from its standard input; its arguments are the patterns of the units to list."""
    return resources.files(__package__).joinpath("facts.sh").read_bytes()


async def look(pool: HostPool, units: Sequence[str] | None) -> Facts:
    """The facts of a host as they are now; `units` as in `SshOptions`. Raises a SourceError."""
    command = ["/bin/sh", "-s", "--", *queried(units)]
    result = await run(pool, command, stdin=script(), timeout=LOOK_SECONDS)
    facts = parse(result.stdout)
    if facts is None and result.exit_status is None:
        raise Unreachable(result.note or "the connection was lost", where=pool.name)
    if facts is None:
        words = " ".join(result.stderr.decode(errors="replace").split())[:200] or result.note
        raise SourceError(
            f"the host runs no POSIX shell: {words}", where=pool.name, next_step="see that `sh` works there"
        )
    return facts


def parse(output: bytes) -> Facts | None:
    """The facts in the script's output; None when it did not run to its end. Never raises."""
    sections: dict[str, str] = {}
    for part in output.decode(errors="replace").split(SEPARATOR)[1:]:
        name, _, body = part.partition("\n")
        sections.setdefault(name.strip(), body)
    if "end" not in sections:
        return None
    lines = {name: body.splitlines() for name, body in sections.items()}
    uname = _padded(_first(lines, "uname").split(), 4)
    shell = _padded(lines.get("shell", []), 2)
    os_name, os_id = _os(lines.get("os", []))
    memory = _memory(lines.get("memory", []))
    disk, disk_used = _disk(lines.get("disk", []))
    systemd = _first(lines, "systemd")
    runs = systemd not in ("", "offline", "unknown")
    booted = _booted(lines)
    return Facts(
        system=uname[0],
        hostname=uname[1],
        kernel=uname[2],
        arch=uname[3],
        shell=shell[0],
        user=shell[1],
        os=os_name,
        os_id=os_id,
        cpus=_online(_first(lines, "online")) or _whole(_first(lines, "cpus")),
        load=_load(_first(lines, "load")),
        memory=memory.get("MemTotal"),
        memory_available=memory.get("MemAvailable", memory.get("MemFree")),
        disk=disk,
        disk_used=disk_used,
        booted=booted,
        addresses=tuple(dict.fromkeys(" ".join(lines.get("addresses", [])).split()))[:32],
        machine_id=_first(lines, "machine"),
        cloud_id=_first(lines, "cloud"),
        board_id=_first(lines, "board"),
        systemd=systemd if runs else "",
        units=parse_units(sections.get("units", ""), booted) if runs else (),
    )


def _padded(lines: list[str], count: int) -> list[str]:
    return [*(line.strip()[:_LONGEST] for line in lines[:count]), *[""] * count][:count]


def _first(lines: dict[str, list[str]], name: str) -> str:
    return next(iter(lines.get(name, [])), "").strip()[:_LONGEST]


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _online(text: str) -> int | None:
    """How many processors are in Linux's list of those that are online, such as `0-3,8`."""
    total = 0
    for part in text.split(","):
        first, _, last = part.partition("-")
        begin, end = _whole(first), _whole(last or first)
        if begin is None or end is None or end < begin:
            return None
        total += end - begin + 1
    return total


def _os(lines: list[str]) -> tuple[str, str]:
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    if not values:
        return " ".join(line.strip() for line in lines)[:_LONGEST], ""
    unquoted = {name: value.strip().strip("\"'")[:_LONGEST] for name, value in values.items()}
    return unquoted.get("PRETTY_NAME", unquoted.get("NAME", "")), unquoted.get("ID", "")


def _load(text: str) -> tuple[float, float, float] | None:
    """From `/proc/loadavg`, or from the end of what `uptime` prints."""
    words = text.rpartition("load average")[2].lstrip("s: ").replace(",", " ").split()
    try:
        one, five, fifteen = (float(word) for word in words[:3])
    except ValueError:
        return None
    return (one, five, fifteen) if 0 <= min(one, five, fifteen) < 1e9 else None


def _memory(lines: list[str]) -> dict[str, int]:
    """Bytes by name, from lines such as `MemTotal: 24685048` in KiB."""
    found = {}
    for line in lines:
        name, _, value = line.partition(":")
        if (kib := _whole(value.strip())) is not None:
            found[name.strip()] = kib * 1024
    return found


def _disk(lines: list[str]) -> tuple[int | None, int | None]:
    """Size and use in bytes, from the last line of `df -P -k`. The device's name may hold spaces."""
    words = lines[-1].split() if len(lines) > 1 else []
    if len(words) < 6:
        return None, None
    size, used = _whole(words[-5]), _whole(words[-4])
    return (size * 1024, used * 1024) if size and used is not None else (None, None)


def _booted(lines: dict[str, list[str]]) -> float | None:
    """From `btime 1763690000` of Linux, or `{ sec = 1763690000, usec = 0 }` of the BSDs."""
    words = _first(lines, "boot").replace(",", " ").replace("=", " ").split()
    seconds = next((value for word in words if (value := _whole(word)) is not None), None)
    return float(seconds) if seconds else None
