"""How OpenSSH's own client reaches a host as we do: the arguments that say the same as the estate's settings."""

from __future__ import annotations

from pathlib import Path

from calmtui.providers.base import Way
from calmtui.transport.ssh import Target


def way(target: Target, config: Path | None) -> Way:
    """The arguments for a host. `config`: the file that takes the place of the user's ssh_config."""
    options = ["-F", str(config)] if config is not None else []
    options += [f"-oIdentityFile={_quoted(path)}" for path in target.identities]
    if target.jumps is not None:
        options.append(f"-oProxyJump={target.jumps}")
    if target.known_hosts is not None:
        options += [f"-oUserKnownHostsFile={_quoted(target.known_hosts)}", "-oGlobalKnownHostsFile=/dev/null"]
    options.append("-oStrictHostKeyChecking=yes")
    return Way(target.host, target.user, target.port, tuple(options))


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'
