"""The times of one stream's lines, recognised without a word of configuration.

A `Clock` looks at its stream's first lines in every form, then stays with the one that fits. A stream may mix two
kinds of lines, as a container's access log and errors: a form that keeps fitting is taken on too. A time without a
zone is taken in the clock's own, UTC unless it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from calmtui.logs.formats.spellings import FORMS, Form, Stamp, read
from calmtui.logs.sgr import decode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calmtui.logs.formats.columns import Shape

SAMPLE = 3
"""Lines of one form, in a row or not, that decide for it."""
ADMITTED = 20
"""Lines of another form, seen once the first is decided, after which that one is the stream's too."""
MAX_SHAPES = 16
"""Shapes kept; the one longest unused goes. Klog has one for each letter, syslog one for each month."""
MAX_LEARNING = 8
"""Lines in one call from which a shape is learned: each may be a pass over the lines that are left."""


class Clock:
    """Reads the times of one stream's lines."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.forms: list[Form] = []
        """The forms decided for; empty while the first is still being found out."""
        self._zone = zone
        self._seen: Counter[Form] = Counter()
        self._shapes: dict[bytes, Shape] = {}

    def read(self, text: str) -> Stamp | None:
        """The line's time; None when it has none, as the second line of a stack trace."""
        found = self._read(text)
        return None if found is None else found[1]

    def read_all(self, lines: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        """For each line, in the stream's order, what `read` says of its decoded text.

        Nanoseconds since the epoch, `columns.NO_TIME` where there is none; and how many characters spell it.
        """
        import numpy as np  # deferred: the first paint does without it

        from calmtui.logs.formats.columns import NO_TIME, Block

        times = np.full(len(lines), NO_TIME, np.int64)
        stamps = np.zeros(len(lines), np.uint16)
        block = Block.of(lines)
        left = np.arange(len(lines))
        for key in reversed(list(self._shapes)):
            if len(left):
                before = len(left)
                left = self._shapes[key].read(block, left, times, stamps)
                if len(left) < before:
                    self._shapes[key] = self._shapes.pop(key)  # the last used stands last
        learning = MAX_LEARNING
        while len(left):
            row, left = int(left[0]), left[1:]
            text, _ = decode(lines[row])
            found = self._read(text)
            if found is None:
                continue
            form, (times[row], stamps[row]) = found
            if self.forms and learning and len(left):
                learning -= 1
                if shape := self._learned(form, text):
                    left = shape.read(block, left, times, stamps)
        return times, stamps

    def _read(self, text: str) -> tuple[Form, Stamp] | None:
        for form in self.forms:
            stamp = read(form, text, self._zone)
            if stamp is not None:
                return form, stamp
        if self.forms and text[:1].isspace():
            return None
        return self._sample(text)

    def _sample(self, text: str) -> tuple[Form, Stamp] | None:
        for form in FORMS:
            stamp = read(form, text, self._zone)
            if stamp is not None:
                self._seen[form] += 1
                first = not self.forms
                if self._seen[form] >= (SAMPLE if first else ADMITTED):
                    self.forms.append(form)
                return (form, stamp) if first or form in self.forms else None
        return None

    def _learned(self, form: Form, text: str) -> Shape | None:
        """The shape of a line that was read; None when it is known or cannot be read by columns."""
        from calmtui.logs.formats.columns import Shape

        found = form.expression.search(text, 0, form.far)
        if found is None or not text[: found.end()].isascii():
            return None
        shape = Shape(form, found, self._zone)
        if shape.key in self._shapes:
            return None
        self._shapes[shape.key] = shape
        if len(self._shapes) > MAX_SHAPES:
            del self._shapes[next(iter(self._shapes))]
        return shape
