"""A real Docker engine on a socket of its own."""

from __future__ import annotations

import os
import signal
import subprocess

from tests.lab.place import LAB, await_end, need_root, script


class DockerEngine:
    """Debian's dockerd with the image `lab:latest` (busybox); containers need `network_mode=none` or `host`."""

    def __init__(self) -> None:
        need_root()
        self.socket = LAB / "docker.sock"
        self.host = f"unix://{self.socket}"
        self._pid_file = LAB / "dockerd.pid"

    def start(self) -> DockerEngine:
        """Start it, or find it running; returns when it answers."""
        script("docker-up")
        return self

    def kill(self) -> None:
        """The engine dies at once (SIGKILL); `start` brings it back."""
        await_end(self.signal(signal.SIGKILL))

    def signal(self, number: signal.Signals) -> int:
        """Send a signal to the engine, such as SIGSTOP; its process id."""
        pid = int(self._pid_file.read_text())
        os.kill(pid, number)
        return pid

    def down(self) -> None:
        """Remove every container and end the engine."""
        names = self.cli("ps", "-aq").split()
        if names:
            self.cli("rm", "-f", *names)
        script("down", "docker")

    def cli(self, *args: str, check: bool = True) -> str:
        """What Docker's own client prints."""
        argv = ["docker", "-H", self.host, *args]
        done = subprocess.run(argv, check=check, text=True, capture_output=True, timeout=60)
        return done.stdout.strip()

    def run(self, name: str, *args: str, command: tuple[str, ...] = ("sleep", "2147483647")) -> str:
        """Start a detached container without a network; returns its id."""
        return self.cli("run", "-d", "--name", name, "--network", "none", *args, "lab:latest", *command)
