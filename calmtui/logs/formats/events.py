"""Events of several lines: whether a line goes on with the one before, as stack traces and pretty-printed JSON do.

In a stream whose lines have times of their own, a line without one goes on with the one before it. Where the source
gives every line a time, as Docker and Kubernetes do, the shape of the line must tell: `Events` knows the traces of
Java, Python, Go, Node, Ruby, .NET, Rust and PHP, and blocks of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto

MAX_LINES = 2000
"""Lines of one event: what is longer is no event but a format that was not understood."""

_GOES_ON = re.compile(
    r"[ \t]+\S|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)|Traceback \(most recent call last\)"
    r"|During handling of the above exception|The above exception was the direct cause|goroutine \d+ \["
    r"|exit status \d+$|created by \S+|note: (?:run with|[Ss]ome details)|stack backtrace:|--- End of |#\d+ "
    r"|Stack ?trace:|\[signal SIG|Node\.js v\d|[}\]]+[,;]?$|\^+$"
)
"""How a line begins that goes on with the one before, whatever that was."""
_JAVA_THROWN = re.compile(r"(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable|Failure)\b")
"""An exception by its full name: below a line that says what failed, it begins the trace."""
_THROWN = re.compile(r"[\w.]*(?:Error|Exception|Warning|Exit|Interrupt)(?:: | \[|$)")
"""An exception by its name: it ends Python's traces and begins Node's."""
_FAILED = re.compile(r"(?i)error|exception|fail|fatal|panic|severe|warn|uncaught|unhandled")
_GO_FRAME = re.compile(r"[\w./*()\[\]{}·-]+\(.*\)$")
_BEGINS_GO = re.compile(r"(?:.*[\s\"])?(?:panic: |fatal error: )|goroutine \d+ \[")
_CARET = re.compile(r"\s+\^+$")


class _In(Enum):
    """What kind of event the current one is, as far as it decides which lines belong to it."""

    PLAIN = auto()
    PYTHON = auto()
    GO = auto()
    NODE = auto()
    RUST = auto()
    JSON = auto()


class Events:
    """Tells the events of one stream apart."""

    def __init__(self) -> None:
        self._inside = _In.PLAIN
        self._lines = 0
        """Lines of the current event."""
        self._said = ""
        """The event's last line that is not indented."""

    def goes_on(self, text: str, own_time: bool | None = None) -> bool:
        """Whether the line goes on with the one before it.

        `own_time`: whether the text has a time; None in a stream whose lines have none, or where the source tells it.
        """
        goes_on = 0 < self._lines < MAX_LINES and (self._shaped(text) if own_time is None else not own_time)
        self._lines = self._lines + 1 if goes_on else 1
        self._note(text, goes_on)
        return goes_on

    def read_all(self, lines: Sequence[bytes], own_times: Sequence[bool] | None) -> list[bool]:
        """`goes_on` for each of the lines, in the stream's order; None: the source tells their times."""
        texts = (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
        if own_times is None:
            return [self.goes_on(text) for text in texts]
        return [self.goes_on(text, own) for text, own in zip(texts, own_times, strict=True)]

    def _shaped(self, text: str) -> bool:
        if _GOES_ON.match(text):
            return True
        match self._inside:
            case _In.PLAIN:
                return _JAVA_THROWN.match(text) is not None and self._failed()
            case _In.PYTHON | _In.NODE:
                return not text or _THROWN.match(text) is not None
            case _In.GO:
                return not text or _GO_FRAME.match(text) is not None
            case _In.RUST:
                return self._lines == 1  # the message stands on the line after the place
            case _In.JSON:
                return True

    def _failed(self) -> bool:
        """Whether the event tells of a failure, and has not named its exception yet."""
        return _JAVA_THROWN.match(self._said) is None and _FAILED.search(self._said) is not None

    def _note(self, text: str, goes_on: bool) -> None:
        """What the line makes of the event that it is in."""
        if "Traceback (most recent" in text:
            self._inside = _In.PYTHON
        elif ("panic" in text or "goroutine" in text or "fatal error" in text) and _BEGINS_GO.match(text):
            self._inside = _In.GO
        elif "' panicked at " in text:
            self._inside = _In.RUST
        elif not goes_on:
            self._inside = _In.JSON if text in ("{", "[") else _In.PLAIN
        elif self._inside is _In.JSON and text in ("}", "]"):
            self._inside = _In.PLAIN
        elif "^" in text and _CARET.match(text):
            self._inside = _In.NODE
        if text[:1] not in (" ", "\t"):
            self._said = text
