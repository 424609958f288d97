"""A fleet of real OpenSSH servers on loopback, each with its own hostname, `/var/log` and `/root`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.lab.place import LAB, descendants, need_root, unavailable

FIRST_PORT = int(os.environ.get("CALMTUI_LAB_SSH_PORT", "23000"))
_SSHD_OPTIONS = (
    "StrictModes=no",
    "UsePAM=no",
    "PrintMotd=no",
    "MaxStartups=500:30:1000",
    "MaxSessions=200",
    "PasswordAuthentication=no",
    "Subsystem=sftp internal-sftp",
)


class SshFleet:
    """`size` OpenSSH servers named `PREFIX-001`…; `ssh -F ssh_config NAME` reaches them."""

    def __init__(
        self, size: int, prefix: str = "web", folder: Path | None = None, first_port: int = FIRST_PORT
    ) -> None:
        need_root()
        self.folder = folder or LAB / "fleet"
        self.hosts = [f"{prefix}-{number:03d}" for number in range(1, size + 1)]
        self.ssh_config = self.folder / "ssh_config"
        self.known_hosts = self.folder / "known_hosts"
        self.identity = self.folder / "id"
        self._ports = {host: first_port + number for number, host in enumerate(self.hosts, 1)}
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def up(self) -> SshFleet:
        """Make keys and configuration, start every server, wait until each one listens."""
        if shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") is None:
            unavailable("there is no sshd: apt-get install openssh-server")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("id", "hostkey", "other_hostkey"):
            self.new_key(name)
        shutil.copy(self.folder / "id.pub", self.folder / "authorized_keys")
        public = " ".join((self.folder / "hostkey.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"[127.0.0.1]:{port} {public}\n" for port in self._ports.values()))
        self.ssh_config.write_text("".join(map(self._stanza, self.hosts)))
        for host in self.hosts:
            self.start(host, wait=False)
        for host in self.hosts:
            self._await_listening(host)
        return self

    def down(self) -> None:
        """End every server with everything that runs below it."""
        for host in list(self._servers):
            self.stop(host)

    def new_key(self, name: str) -> Path:
        """A fresh ed25519 key pair in the fleet's folder; returns the private half."""
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", path], check=True)
        return path

    def start(self, host: str, *, host_key: str = "hostkey", wait: bool = True) -> None:
        """Start a host that is down, with the known host key or another one."""
        home = self.folder / "hosts" / host
        for part in ("log", "root", "bin"):
            (home / part).mkdir(parents=True, exist_ok=True)
        options = [
            f"ListenAddress=127.0.0.1:{self._ports[host]}",
            f"AuthorizedKeysFile={self.folder}/authorized_keys",
            f"PidFile={home}/sshd.pid",
            f"SetEnv=PATH={home}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            *_SSHD_OPTIONS,
        ]
        inside = (
            f"hostname {host}; mount --make-rprivate /; mount --bind '{home}/log' /var/log; "
            f"mount --bind '{home}/root' /root; exec /usr/sbin/sshd -D -e -f /dev/null -h '{self.folder}/{host_key}' "
            + " ".join(f"-o '{option}'" for option in options)
        )
        with (home / "sshd.out").open("ab") as output:
            self._servers[host] = subprocess.Popen(
                ["unshare", "--uts", "--mount", "sh", "-c", inside],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if wait:
            self._await_listening(host)

    def stop(self, host: str) -> None:
        """The host is gone at once: its server and every session on it are killed."""
        server = self._servers.pop(host)
        for pid in [*descendants(server.pid), server.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait()

    def cut(self, host: str) -> None:
        """Every connection to the host breaks; the server goes on listening."""
        for pid in descendants(self._servers[host].pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def servers(self) -> list[subprocess.Popen[bytes]]:
        """The servers that run; whatever a host does is done below its own."""
        return list(self._servers.values())

    def processes(self, host: str) -> list[str]:
        """Command lines of what runs on the host below its server."""
        lines = []
        for pid in descendants(self._servers[host].pid):
            with contextlib.suppress(OSError):
                lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip())
        return lines

    def port(self, host: str) -> int:
        """The host's port on 127.0.0.1."""
        return self._ports[host]

    def log_folder(self, host: str) -> Path:
        """What the host sees as `/var/log`."""
        return self.folder / "hosts" / host / "log"

    def bin_folder(self, host: str) -> Path:
        """A folder that comes first on the host's PATH."""
        return self.folder / "hosts" / host / "bin"

    def ssh(self, host: str, command: str) -> str:
        """What OpenSSH's own client gets for a command."""
        argv = ["ssh", "-F", str(self.ssh_config), "-o", "BatchMode=yes", host, command]
        return subprocess.run(argv, check=True, text=True, capture_output=True, timeout=30).stdout

    def _stanza(self, host: str) -> str:
        return (
            f"Host {host}\n  HostName 127.0.0.1\n  Port {self._ports[host]}\n  User root\n"
            f"  IdentityFile {self.identity}\n  UserKnownHostsFile {self.known_hosts}\n"
        )

    def _await_listening(self, host: str) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._ports[host]), 1) as link:
                if link.recv(4) == b"SSH-":
                    return
            time.sleep(0.02)
        unavailable(f"{host} does not listen; see {self.folder}/hosts/{host}/sshd.out")
