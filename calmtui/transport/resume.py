"""Going on with a log exactly where a reading of it broke. Pure.

Engines and API servers know no positions: a log is asked for from a time on, and what was read of that time
comes again. Standard output and error race, so a log is not strictly in the order of time either. What holds
is that it is kept in one order and sent in it. So a reading that begins again some way before the last line
runs over lines that are known, reaches the last one, and everything after it is new.
"""

from __future__ import annotations

from collections import Counter

Line = tuple[int | None, bytes]
"""Nanoseconds since the epoch (None: the source's own message), and the text."""

SLACK = 1_000_000_000
"""Nanoseconds by which a line may be older than one that is kept before it: two pipes are read by two threads,
which a loaded machine lets wait."""


class Resume:
    """How far one log has been read.

    The lines of the last one or two seconds are remembered, as hashes of time and text, each as often as it
    came. If none of them is there any more when the log is read again, the log was cut off behind our back.
    """

    def __init__(self, floor: int = 0) -> None:
        """`floor`: lines older than that, nanoseconds since the epoch, are never wanted."""
        self.gap: tuple[int, int] | None = None
        """Before the lines that `new` or `settle` gave last, some may be missing: written between these two times."""
        self._floor = floor
        self._older: Counter[int] = Counter()
        self._recent: Counter[int] = Counter()
        self._older_from = self._recent_from = 0
        """The times of the first lines of both."""
        self._latest = 0
        self._last: int | None = None
        """The line that was read last."""
        self._left = 0
        """How many times that one is still to come again; 0: what comes now is new."""
        self._found = False
        self._held: list[Line] = []
        """Unknown lines on the way to the last one: left out by a `tail` if a known one follows, else new."""

    @property
    def since(self) -> int | None:
        """The time to ask from, nanoseconds since the epoch; None: no line with a time has been read."""
        if self._last is None:
            return None
        return max(self._older_from - SLACK, self._floor, 0)

    @property
    def latest(self) -> int:
        """The newest time that was read, nanoseconds since the epoch; 0 before the first line."""
        return self._latest

    def knows(self, lines: list[Line]) -> bool:
        """Whether one of the lines was read in the last seconds, or nothing was read at all."""
        return self._last is None or any(self._count(hash(line)) for line in lines)

    def again(self, *, anew: bool = False) -> None:
        """The log is about to be sent again, from `since` or earlier; `anew`: it may have begun anew, without a gap."""
        self._left = self._count(self._last) if self._last is not None else 0
        self._found = anew
        self._held = []

    def new(self, lines: list[Line]) -> list[Line]:
        """Those of some consecutive lines that had not been read; they count as read now."""
        self.gap = None
        if self._floor:
            lines = [line for line in lines if line[0] is None or line[0] >= self._floor]
        begun = 0
        fresh: list[Line] = []
        while self._left and begun < len(lines):
            fresh += self._run_over(lines[begun])
            begun += 1
        fresh += lines[begun:]
        self._remember(fresh)
        return fresh

    def settle(self) -> list[Line]:
        """The lines held back, now that nothing more comes for a while."""
        self.gap = None
        held = [line for line in self._held if line[0] is not None]
        if held:
            self._arrive(held[0][0] or 0)
        self._held = []
        self._remember(held)
        return held

    def _run_over(self, line: Line) -> list[Line]:
        """What is new once this line has come again, or in place of lines that are gone."""
        at, known = line[0], hash(line)
        if at is None:
            return [line]
        if self._count(known):
            self._found = True
            self._held = []
            self._left -= known == self._last
            return []
        if at <= self._latest:
            self._held.append(line)
            return []
        self._arrive(at)
        fresh, self._held = [*self._held, line], []
        return fresh

    def _arrive(self, at: int) -> None:
        """The last line has not come, but later ones have."""
        self._left = 0
        if not self._found:
            self.gap = self._latest, at

    def _count(self, known: int) -> int:
        return self._older[known] + self._recent[known]

    def _remember(self, lines: list[Line]) -> None:
        times = [at for at, _ in lines if at is not None]
        if not times:
            return
        if self._last is None:
            self._older_from = self._recent_from = times[0]
        elif times[0] - self._recent_from > SLACK:
            self._older, self._recent = self._recent, Counter()
            self._older_from, self._recent_from = self._recent_from, times[0]
        known = [hash(line) for line in lines if line[0] is not None]
        self._recent.update(known)
        self._last = known[-1]
        self._latest = max(self._latest, *times)


class Silence:
    """Tells a log that is quiet from one that is no longer sent, by what the source has each time nothing came."""

    def __init__(self, resume: Resume, left_out: int) -> None:
        """`left_out`: up to which time lines were not asked for, nanoseconds since the epoch."""
        self._resume = resume
        self._left_out = left_out
        self._doubt = 0

    def stalled(self, newest: int) -> bool:
        """Whether a line that the source had at the silence before has still not come.

        `newest`: the time of the last line that it has now; it may be under way.
        """
        if self._doubt > max(self._resume.latest, self._left_out):
            return True
        self._doubt = newest
        return False
