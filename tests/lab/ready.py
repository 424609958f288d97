"""The program with its imports done: a process that has them forks for each run, so that a test pays for what is run.

An import of all that a command needs takes two seconds of a core, and the tests run hundreds of commands. What is
forked is a process of its own in everything else: its environment, folder, input and output.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

import calmtui.__main__

IMPORTED = (
    "asyncssh", "boto3", "docker", "kubernetes", "calmtui.actions.execute", "calmtui.actions.gate", "calmtui.cli.app",
    "calmtui.cli.doctor", "calmtui.cli.opened", "calmtui.cli.outputs", "calmtui.estate.load", "calmtui.logs.asking",
    "calmtui.providers.aws.source", "calmtui.providers.docker.source", "calmtui.providers.ssh.source",
    "calmtui.runbooks.journal", "calmtui.runbooks.planning",
)  # fmt: skip


class Ready:
    """Runs the program; ends with this process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        argv = [sys.executable, "-m", "tests.lab.ready", str(theirs.fileno())]
        top = Path(__file__).parents[2]  # a test may be elsewhere by now
        self._server = subprocess.Popen(argv, cwd=top, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        self._socket = ours

    def run(self, args: list[str], environment: dict[str, str], seconds: float) -> tuple[int, bytes, bytes]:
        """Exit status, output and errors. Raises TimeoutExpired once it was killed."""
        told, tell = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with told, TemporaryFile() as out, TemporaryFile() as err, Path(os.devnull).open("rb") as nothing:
            wanted = json.dumps({"args": args, "env": environment, "folder": str(Path.cwd())}).encode()
            files = [nothing.fileno(), out.fileno(), err.fileno(), tell.fileno()]
            socket.send_fds(self._socket, [wanted], files)
            tell.close()
            pid = int(told.recv(64))
            told.settimeout(seconds)
            try:
                status = int(told.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(args, seconds) from None
            return status, *(os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for file in (out, err))


def serve(requests: socket.socket) -> bool:
    """Fork for each request; True in the process that is to run the program, False when nobody asks any more."""
    watched = selectors.DefaultSelector()
    watched.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.data is not None:  # one that was forked has ended
                pid, tell = key.data
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with tell, contextlib.suppress(BrokenPipeError):  # whoever asked has not waited for it
                    tell.send(str(status).encode())
                watched.unregister(key.fd)
                os.close(key.fd)
                continue
            wanted, files, _, _ = socket.recv_fds(requests, 1 << 20, 4)
            if not wanted:
                return False
            pid = os.fork()
            if pid == 0:
                become(json.loads(wanted), files)
                watched.close()
                requests.close()
                return True
            tell = socket.socket(fileno=files[3])
            tell.send(str(pid).encode())
            watched.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, tell))
            for file in files[:3]:
                os.close(file)


def become(wanted: dict[str, object], files: list[int]) -> None:
    """Take on what was asked for: input and output, environment, folder, arguments."""
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(wanted["env"])  # type: ignore[call-overload]
    os.chdir(str(wanted["folder"]))
    sys.modules["__main__"] = calmtui.__main__  # by which a command is named in what is said of it
    sys.argv = [calmtui.__main__.__file__, *wanted["args"]]  # type: ignore[misc]


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        started = serve(asked)
    if started:
        calmtui.__main__.main()
