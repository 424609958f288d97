"""A host of the lab with a journal: real files of journald, read by the real `journalctl`."""

from __future__ import annotations

import shutil
import subprocess
import time
import uuid
from pathlib import Path

from tests.lab.fleet import SshFleet
from tests.lab.place import unavailable

REMOTE = Path("/lib/systemd/systemd-journal-remote")
_WRAPPER = '#!/bin/sh\nexec {} --directory /var/log/journal-lab "$@"\n'
_PATIENCE = 20.0


class HostJournal:
    """Writes entries of a unit into files that journald's own code makes. Used as a context manager."""

    def __init__(self, fleet: SshFleet, host: str) -> None:
        journalctl = shutil.which("journalctl", path="/usr/bin:/bin")
        if journalctl is None or not REMOTE.exists():
            unavailable("there is no journal: apt-get install systemd-journal-remote")
        self.folder = fleet.log_folder(host) / "journal-lab"
        self._command = fleet.bin_folder(host) / "journalctl"
        self._wrapper = _WRAPPER.format(journalctl)
        self._writer: subprocess.Popen[bytes] | None = None
        self._files = 0
        self._boot, self._machine = uuid.uuid4().hex, uuid.uuid4().hex

    def __enter__(self) -> HostJournal:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._command.write_text(self._wrapper)
        self._command.chmod(0o755)
        self.rotate()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()
        self._command.unlink()
        shutil.rmtree(self.folder)

    def rotate(self) -> None:
        """From now on, entries go into another file."""
        self._close()
        self._files += 1
        path = self.folder / f"lab{self._files}.journal"
        self._writer = subprocess.Popen(
            [REMOTE, "-o", path, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _PATIENCE
        while not path.exists():
            assert time.monotonic() < deadline, "no journal is made"
            time.sleep(0.02)

    def vacuum(self) -> None:
        """All files but the one that is written to are gone."""
        for path in self.folder.iterdir():
            if path.name != f"lab{self._files}.journal":
                path.unlink()

    def write(self, message: bytes, priority: int = 6) -> None:
        """One entry."""
        assert self._writer is not None
        assert self._writer.stdin is not None
        fields = {
            "__REALTIME_TIMESTAMP": time.time_ns() // 1000,
            "__MONOTONIC_TIMESTAMP": time.monotonic_ns() // 1000,
            "_BOOT_ID": self._boot,
            "_MACHINE_ID": self._machine,
            "PRIORITY": priority,
            "SYSLOG_IDENTIFIER": "app",
            "_PID": 42,
            "_SYSTEMD_UNIT": "app.service",
        }
        text = "".join(f"{name}={value}\n" for name, value in fields.items()).encode()
        body = b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n"  # as a field of any bytes is written
        self._writer.stdin.write(text + body + b"\n")
        self._writer.stdin.flush()

    def _close(self) -> None:
        if self._writer is not None and self._writer.stdin is not None:
            self._writer.stdin.close()
            self._writer.wait()
