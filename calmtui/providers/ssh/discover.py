"""What this machine is set up for: the hosts that `~/.ssh/config` names."""

from __future__ import annotations

from calmtui.errors import CalmError
from calmtui.providers.base import Discovered
from calmtui.transport.ssh.config import SshConfig

SUGGESTED_AT_MOST = 32
"""Hosts that are connected to unasked. Longer lists are offered, switched off."""


def discover() -> list[Discovered]:
    """One source of every host that stands by name in `~/.ssh/config`, none when there is no such file."""
    try:
        hosts = SshConfig().aliases()
    except CalmError as error:
        return [Discovered("ssh", {}, "~/.ssh/config", f"cannot be read: {error}", suggested=False)]
    if not hosts:
        return []
    note = f"{len(hosts)} host{'s' if len(hosts) > 1 else ''}"
    return [Discovered("ssh", {"hosts": hosts}, "~/.ssh/config", note, suggested=len(hosts) <= SUGGESTED_AT_MOST)]
