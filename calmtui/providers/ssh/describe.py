"""Hosts and units as they are described in full."""

from __future__ import annotations

import dataclasses
from typing import Any

from calmtui import sanitise
from calmtui.errors import SourceError
from calmtui.providers.base import MASK
from calmtui.providers.ssh.facts import look
from calmtui.providers.ssh.pool import HostPool
from calmtui.providers.ssh.run import run

_SECRET_PROPERTIES = frozenset({"Environment", "PassEnvironment", "SetCredential", "SetCredentialEncrypted"})
"""Properties of a unit that hold values which may be secret."""


async def host(pool: HostPool, units: list[str] | None) -> dict[str, Any]:
    """What a host says of itself, and how it is connected to. Raises a SourceError."""
    facts = await look(pool, units)
    settings = await pool.settings()
    async with pool.channel() as connection:
        key = connection.get_server_host_key()
        link: dict[str, Any] = {
            "hostname": settings.hostname,
            "port": settings.port,
            "user": settings.user,
            "jumps": list(settings.jumps),
            "server": connection.get_extra_info("server_version"),
            "host_key": f"{key.get_algorithm()} {key.get_fingerprint()}" if key else None,
            "cipher": connection.get_extra_info("send_cipher"),
            "identities": [str(path) for path in settings.identities],
            "known_hosts": [str(path) for path in settings.known_hosts],
        }
    if settings.unheeded:
        link["ssh_config_not_followed"] = list(settings.unheeded)
    said = dataclasses.asdict(facts)
    said["units"] = {unit.name: f"{unit.active} ({unit.sub})" for unit in facts.units}
    return {"host": pool.name, "connection": link, "facts": said}


async def unit(pool: HostPool, name: str) -> dict[str, Any]:
    """Every property of a unit, as systemd has them; values of environment variables masked. Raises a SourceError."""
    result = await run(pool, ["systemctl", "show", "--no-pager", "--", name], timeout=20)
    if result.exit_status != 0:
        text = sanitise.word(result.stderr.decode(errors="replace").strip())
        raise SourceError(text or f"systemctl show: exit {result.exit_status}", where=pool.name)
    lines = (line.split("=", 1) for line in result.stdout.decode(errors="replace").splitlines() if "=" in line)
    return {key: masked(key, value) for key, value in lines}


def masked(key: str, value: str) -> str:
    """The value of a property, or what may be shown of it: of an environment, the names."""
    if key not in _SECRET_PROPERTIES or not value:
        return value
    names = [word.partition("=")[0] for word in value.split() if "=" in word]
    return " ".join(f"{name}={MASK}" for name in names) or MASK
