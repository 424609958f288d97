"""SSH: hosts with their facts, systemd units, logs, commands and shells. Importing this is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.providers.base import Action, Discovered, Opening
from calmtui.providers.ssh.actions import ACTIONS

if TYPE_CHECKING:
    from calmtui.providers.ssh.options import SshOptions
    from calmtui.providers.ssh.source import SshSource


class Ssh:
    """The provider of `provider: ssh`."""

    kind = "ssh"

    @property
    def actions(self) -> tuple[Action, ...]:
        """Reboot of a host; start, stop and restart of a unit."""
        return ACTIONS

    def options(self) -> type[SshOptions]:
        """The settings of an SSH source."""
        from calmtui.providers.ssh.options import SshOptions

        return SshOptions

    def open(self, opening: Opening) -> SshSource:
        """A source for a set of hosts. Raises Misconfigured when its ssh_config is not there."""
        from calmtui.providers.ssh.source import SshSource

        return SshSource(opening)

    def discover(self) -> list[Discovered]:
        """The hosts of `~/.ssh/config`."""
        from calmtui.providers.ssh.discover import discover

        return discover()


PROVIDER = Ssh()
