"""`python -m calmtui.demo.hosts FOLDER`: the SSH hosts of the demo, on free ports of loopback.

Writes a client's key, known_hosts and an ssh_config into the folder, and a home for each host.
Ends when the parent does, and removes the folder.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import asyncssh

from calmtui.demo import stand_ins
from calmtui.demo.host import Host
from calmtui.demo.lifeline import ready, when_parent_ends
from calmtui.demo.population import HOSTS

_SSH_CONFIG = """\
Host *
  User demo
  IdentityFile {folder}/id
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
"""
_STANZA = """\
Host {name}
  HostName 127.0.0.1
  Port {port}
"""


async def run(folder: Path) -> None:
    """Bring the hosts up, say so, and let them live until the parent ends."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    when_parent_ends(lambda: loop.call_soon_threadsafe(over.set))
    _make_identity(folder)
    stand_ins.install(folder / "bin")
    hosts = [Host(machine, folder) for machine in HOSTS]
    for host in hosts:
        await host.up()
    _write_client_files(folder, hosts)
    lives = [asyncio.create_task(host.live(), name=host.name) for host in hosts]
    ready(CALMTUI_DEMO_FOLDER=str(folder))
    try:
        await over.wait()
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)


def _make_identity(folder: Path) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519", comment="calmtui demo")
    key.write_private_key(str(folder / "id"))
    (folder / "id").chmod(0o600)
    key.write_public_key(str(folder / "id.pub"))


def _write_client_files(folder: Path, hosts: list[Host]) -> None:
    known = [f"[127.0.0.1]:{host.port} {host.key.export_public_key().decode().strip()}\n" for host in hosts]
    (folder / "known_hosts").write_text("".join(known))
    stanzas = [_STANZA.format(name=host.name, port=host.port) for host in hosts]
    (folder / "ssh_config").write_text("".join(stanzas) + _SSH_CONFIG.format(folder=folder))


if __name__ == "__main__":
    scratch = Path(sys.argv[1])
    try:
        asyncio.run(run(scratch))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
