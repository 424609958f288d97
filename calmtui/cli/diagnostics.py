"""What goes to stderr, and what the program exits with. Nothing else writes to stderr but through `say`."""

from __future__ import annotations

import logging
import logging.handlers
import os
import signal
import sys
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui import sanitise
from calmtui.errors import CalmError, Refused, UsageError
from calmtui.estate import folders

if TYPE_CHECKING:
    from typer.exceptions import TyperException

log = logging.getLogger(__name__)

LOG_BYTES = 2_000_000
"""The log file is begun anew at this size; one older file is kept."""


class ExitCode(IntEnum):
    """What the program exits with; scripts may rely on it."""

    FINE = 0
    FAILED = 1
    """Something failed: a node, a source, or the whole."""
    WRONG_USE = 2
    """The command, the query or the estate file is wrong."""
    REFUSED = 3
    """Policy or read-only mode said no."""


INTERRUPTED = 128 + signal.SIGINT
"""Ended with Ctrl-C, as shells count it."""
PIPE_CLOSED = 128 + signal.SIGPIPE
"""The reader of the output went away, as in `calmtui ls | head`."""


def say(text: str) -> None:
    """Write a line to stderr, safe for a terminal."""
    print("\n".join(map(sanitise.line, text.split("\n"))), file=sys.stderr, flush=True)  # noqa: T201 -- the one place


def report(error: BaseException) -> int:
    """Tell what went wrong, in lines and never a traceback; returns what to exit with."""
    from typer.exceptions import Abort, TyperException  # the console starts without it

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case SystemExit() if isinstance(error.__context__, BrokenPipeError):  # typer makes this of it
            return PIPE_CLOSED
        case SystemExit():
            return error.code if isinstance(error.code, int) else ExitCode.FAILED
        case KeyboardInterrupt() | Abort():
            say("calmtui: interrupted")
            return INTERRUPTED
        case BrokenPipeError():
            _forget_stdout()
            return PIPE_CLOSED
        case TyperException():  # what was typed is no command or option
            say(f"calmtui: {error.format_message().rstrip('.')}; {_hint(error)}")
            return ExitCode.WRONG_USE
        case Refused():
            say(f"calmtui: {error}")
            return ExitCode.REFUSED
        case UsageError():
            say(f"calmtui: {error}{_place(error)}")
            return ExitCode.WRONG_USE
        case CalmError():
            say(f"calmtui: {error}")
            return ExitCode.FAILED
    log.error("unexpected", exc_info=error)
    say(f"calmtui: internal error: {type(error).__name__}: {error}; the details are in {log_path()}")
    return ExitCode.FAILED


def _place(error: UsageError) -> str:
    """Of a query that cannot be read: itself and a caret, on lines of their own."""
    from calmtui.fleet.query import QueryError  # most commands end well

    return "".join(f"\n  {line}" for line in error.caret().split("\n")) if isinstance(error, QueryError) else ""


def _hint(error: TyperException) -> str:
    """What to do about a command line that cannot be read."""
    for option in ("-i", "--inventory", "--read-only", "--theme"):
        if error.format_message().rstrip(".").endswith(f" {option}"):
            return f"{option} stands before the command: calmtui {option} … ls"
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "calmtui"
    return f"`{command} --help` shows what can be said"


def log_path() -> Path:
    """Where the log file is, whether or not it exists."""
    return folders.state() / "calmtui.log"


def start_logging() -> None:
    """Send warnings and worse of every library to the log file; it is made with the first of them."""
    logging.getLogger().addHandler(_StateFile(logging.WARNING))


class _StateFile(logging.Handler):
    """The log file, opened with the first record: a run in which all is well writes nothing."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            self._file = _open(log_path())
        self._file.handle(record)


def _open(path: Path) -> logging.Handler:
    try:
        folders.made(path.parent)
        file = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    except OSError as error:
        say(f"calmtui: nothing can be logged: {error}")
        return logging.NullHandler()
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return file


def _forget_stdout() -> None:
    """Python flushes stdout on its way out; into a closed pipe that would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
