"""Who a host is: its key is held against known_hosts, and an unknown or changed one is explained, never accepted.

Stricter than asyncssh by itself, as `ssh` is: a key known for an address does not vouch for a name,
missing files hold no keys, and nothing switches the check off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.errors import HostKeyChanged, HostKeyRejected, Misconfigured
from calmtui.transport.ssh.settings import Settings

if TYPE_CHECKING:
    import asyncssh

Stamp = tuple[tuple[Path, int, int], ...]


class KnownHosts:
    """The parsed files, read again when one of them has changed."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[Path, ...], tuple[Stamp, asyncssh.SSHKnownHosts]] = {}

    def held(self, paths: tuple[Path, ...]) -> asyncssh.SSHKnownHosts | None:
        """The hosts of some files as they were read; None when that is to be done, for the first time or anew."""
        stamp, hosts = self._parsed.get(paths, (None, None))
        return hosts if stamp == _stamp(paths) else None

    def of(self, paths: tuple[Path, ...]) -> asyncssh.SSHKnownHosts:
        """The same, read where that is to be done. Blocks. Raises Misconfigured for a line that cannot be read."""
        hosts = self.held(paths)
        if hosts is None:
            stamp = _stamp(paths)
            hosts = _read([path for path, _, _ in stamp])
            self._parsed[paths] = (stamp, hosts)
        return hosts


def trusted(hosts: asyncssh.SSHKnownHosts, settings: Settings) -> Sequence[Sequence[asyncssh.SSHKey]]:
    """The keys, authorities and revoked keys of a host, by its name alone."""
    port = settings.port if settings.port != 22 else None
    return hosts.match(settings.host_key_alias or settings.hostname, "", port)[:3]


def rejection(settings: Settings, known: Sequence[asyncssh.SSHKey], offered: asyncssh.SSHKey | None) -> HostKeyRejected:
    """Why a host was not connected to, and what to do about it."""
    name = entry(settings)
    files = [str(path) for path in settings.known_hosts]
    file = next((path for path in files if Path(path).is_file()), files[0] if files else "~/.ssh/known_hosts")
    if offered is None:
        return HostKeyRejected(
            f"the host key is revoked or no valid certificate for {name}",
            where=settings.alias,
            next_step=f"see the entries of {name} in {file}",
        )
    fingerprint = f"{offered.get_algorithm()} {offered.get_fingerprint()}"
    if known:
        expected = ", ".join(f"{key.get_algorithm()} {key.get_fingerprint()}" for key in known)
        return HostKeyChanged(
            f"THE HOST KEY HAS CHANGED: {file} knows {expected} for {name}, the host offers {fingerprint}; "
            "it was reinstalled, or somebody stands in between",
            where=settings.alias,
            next_step=f"find out which; only then forget the old key: ssh-keygen -f {file} -R '{name}'",
        )
    return HostKeyRejected(
        f"the host key {fingerprint} of {name} is not known ({file} has no entry)",
        where=settings.alias,
        next_step="compare the fingerprint with the host's own, then accept it once: "
        f"ssh -o UserKnownHostsFile={file} -p {settings.port} {settings.user}@{settings.hostname}",
    )


def entry(settings: Settings) -> str:
    """How a host is written in known_hosts."""
    if settings.host_key_alias:
        return settings.host_key_alias
    return settings.hostname if settings.port == 22 else f"[{settings.hostname}]:{settings.port}"


def _stamp(paths: tuple[Path, ...]) -> Stamp:
    stamps = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:  # a missing file holds no keys
            continue
        stamps.append((path, stat.st_mtime_ns, stat.st_size))
    return tuple(stamps)


def _read(paths: list[Path]) -> asyncssh.SSHKnownHosts:
    import asyncssh

    hosts = asyncssh.SSHKnownHosts()
    for path in paths:
        try:
            hosts.load(path.read_text(errors="replace"))
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"cannot be read: {error}", where=str(path), next_step="mend or remove the line"
            ) from error
    return hosts
