"""One file of a host searched: which part of it, how often it is asked for lines, what they come to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from calmtui import sanitise
from calmtui.providers.base import Counted, Finding, Found, FoundLine, Remark, SearchRequest
from calmtui.providers.ssh.records import Line, Record, counted, found
from calmtui.providers.ssh.rotation import Listed
from calmtui.providers.ssh.slices import BLOCK, WHOLE, Slice, sliced, whole_lines

SECOND = 1_000_000_000
CANDIDATES = 10_000
"""Lines that a host sends at once of which it cannot say whether they match."""
CANDIDATE_BYTES = 4 << 20
_BACK = 64
"""Lines in one piece whose time is looked for before them, in each answer."""
_TURN = 500
"""Lines looked at between two turns of the event loop."""

Ask = Callable[..., Awaitable[list[Record]]]
"""Has the host carry out a command, and returns its records."""


@dataclass
class Left:
    """How much of one host may still be brought here."""

    lines: int
    bytes: int
    candidates: int = 64 << 20
    """Bytes of lines that are looked at here because the host's program cannot tell."""


class FileSearch:
    """The search of one file. What it has come to is in `findings`, also when it was broken off."""

    def __init__(
        self, ask: Ask, file: Listed, request: SearchRequest, left: Left, *, exact: bool, places: bool
    ) -> None:
        self._ask = ask
        self._file = file
        self._request = request
        self._left = left
        self._exact = exact
        self._places = places
        self._read_time = request.clock()
        self._since = None if request.since is None else int(request.since * SECOND)
        self._until = None if request.until is None else int(request.until * SECOND)
        self._lines: list[FoundLine] = []
        self._matches = 0
        self._histogram: Counter[int] = Counter()
        self._scanned = 0
        self._cuts: dict[str, None] = {}
        self._remarks: list[str] = []

    def findings(self, cut: str = "") -> list[Finding]:
        """What was found so far; `cut` says why it is not all."""
        path, cuts = self._file.path, "; ".join([*self._cuts, *filter(None, [cut])])
        remarks: list[Finding] = [Remark(path, remark) for remark in self._remarks]
        total = Counted(path, self._matches, dict(self._histogram), self._scanned, self._file.size, cuts)
        return [*remarks, total, *([Found(path, self._lines)] if self._lines else [])]

    async def run(self) -> None:
        """Search it. Raises what `ask` raises."""
        if not self._file.readable:
            self._cuts["permission denied"] = None
            return
        part = await self._part()
        if part.empty:
            return
        await self._search(part)
        self._scanned = self._file.size if self._file.packed else (part.last or self._file.size) - part.first

    async def _part(self) -> Slice:
        if self._file.packed or (self._since is None and self._until is None):
            return WHOLE
        part = await sliced(
            self._probe, self._file.size, self._read_time, self._since, self._until, self._request.context
        )
        if part is None:
            self._remarks.append("no times are recognised in it: all of it is searched")
        return part or WHOLE

    async def _probe(self, blocks: Sequence[int]) -> dict[int, bytes]:
        records = await self._ask("probe", self._file.index, *blocks)
        return {int(record.words[1]): record.payload for record in records if record.kind == "P"}

    async def _search(self, part: Slice) -> None:
        at = part.first
        while part.last is None or at < part.last:
            if not self._left.lines or not self._left.bytes:
                if self._exact:
                    await self._count(at, part)
                    return
                if not self._left.candidates:
                    self._cuts["too many candidates: the rest was not looked at"] = None
                    return
            lines, complete = await self._find(at, part)
            if complete:
                return
            if not self._places or not lines:
                await self._without_places(part, at, lines)
                return
            at = lines[-1].place + len(lines[-1].text) + 1

    async def _find(self, at: int, part: Slice) -> tuple[list[Line], bool]:
        """One answer of lines from an offset on, and whether they are all there are."""
        left = self._left
        most = left.lines if self._exact else CANDIDATES
        room = left.bytes if self._exact else min(CANDIDATE_BYTES, left.candidates)
        length = 0 if part.last is None else part.last - at
        records = await self._ask("find", self._file.index, at, length, most, room, self._request.context)
        payload = next(record.payload for record in records if record.kind == "G")
        if not self._exact:
            left.candidates = max(left.candidates - len(payload), 0)
        lines, whole = found(payload)
        if self._places:
            lines = [msgspec.structs.replace(line, place=at + line.place) for line in lines]
        complete = whole and sum(line.chosen for line in lines) < most
        if complete:
            self._complain(records)
        await self._take(lines, part)
        return lines, complete

    def _complain(self, records: list[Record]) -> None:
        words = next((record.payload for record in records if record.kind == "W"), b"")
        text = sanitise.word(words.decode(errors="replace").strip())
        if text and "roken pipe" not in text:
            self._cuts[text] = None

    async def _take(self, lines: list[Line], part: Slice) -> None:
        """Look at lines that came, count those that match and keep as many as may be kept."""
        rows: list[FoundLine] = []
        last: int | None = None
        expected = -1
        for number, line in enumerate(lines):
            if number % _TURN == 0:
                await asyncio.sleep(0)
            joined = line.place == expected
            expected = line.place + (len(line.text) + 1 if self._places else 1)
            own = self._read_time(line.text)
            last = own if own is not None or not joined else last
            inside = not self._places or (part.start <= line.place and (part.end is None or line.place < part.end))
            match = inside and self._request.matches(line.text.removesuffix(b"\r"))
            rows.append(FoundLine(last, line.text, match, line.place if self._places else None, joined))
        await self._date(rows)
        rows = [row if self._in_time(row.at) else msgspec.structs.replace(row, match=False) for row in rows]
        for row in rows:
            if row.match:
                self._add(row.at, 1)
        self._keep(beside(rows, self._request.context))

    def _in_time(self, at: int | None) -> bool:
        if at is None:
            return True
        return (self._since is None or at >= self._since) and (self._until is None or at < self._until)

    def _add(self, at: int | None, matches: int) -> None:
        self._matches += matches
        if at is not None:
            seconds = at // SECOND
            self._histogram[seconds - seconds % self._request.bucket] += matches

    def _keep(self, rows: list[FoundLine]) -> None:
        left = self._left
        for row in rows:
            if left.bytes < len(row.text) or (row.match and not left.lines):
                left.lines = 0
                break
            left.bytes -= len(row.text)
            left.lines -= row.match
            self._lines.append(row)

    async def _date(self, rows: list[FoundLine]) -> None:
        """Give lines that begin in the midst of an event, as those of a stack trace do, the time of its first line."""
        if self._file.packed or not self._places:
            return
        undated = [n for n, row in enumerate(rows) if row.at is None and not row.joined and row.position][:_BACK]
        if not undated:
            return
        before = {n: (rows[n].position or 0) // BLOCK for n in undated}
        blocks = sorted({block for last in before.values() for block in (max(last - 1, 0), last)})
        pieces = await self._probe(blocks)
        for n in undated:
            first = max(before[n] - 1, 0)
            data = b"".join(pieces.get(block, b"") for block in range(first, before[n] + 1))
            at = None
            for offset, line in whole_lines(data, first * BLOCK):
                if offset < (rows[n].position or 0):
                    at = self._read_time(line) or at
            while at is not None and rows[n].at is None:
                rows[n] = msgspec.structs.replace(rows[n], at=at)
                n += 1
                if n == len(rows) or not rows[n].joined:
                    break

    async def _count(self, at: int, part: Slice) -> None:
        """What else matches, counted on the host."""
        length = 0 if part.end is None else part.end - at
        if length < 0 or (part.end is not None and not length):
            return
        records = await self._ask("count", self._file.index, at, length)
        self._complain(records)
        for matches, _, line in counted(next(record.payload for record in records if record.kind == "C")):
            if self._in_time(stamp := self._read_time(line)):
                self._add(stamp, matches)
        if self._request.max_lines:
            self._cuts[f"only the first lines are shown: {self._request.max_lines:,} of a node"] = None

    async def _without_places(self, part: Slice, at: int, lines: list[Line]) -> None:
        """Where one cannot go on behind the last line: its place is not known, or it is longer than a limit."""
        if not self._exact:
            self._cuts["lines that are too long, or too many candidates: the rest was not looked at"] = None
            return
        if lines:
            self._matches = 0
            self._histogram.clear()
        await self._count(part.first if lines else at, part)
        self._cuts["lines that are too long, or too many, are only counted"] = None


def beside(rows: list[FoundLine], context: int) -> list[FoundLine]:
    """The matches, and the lines that stand at the most `context` lines before or after one in the same piece."""
    near = [row.match for row in rows]
    since = context + 1
    for n, row in enumerate(rows):
        since = 0 if row.match else since + 1 if row.joined else context + 1
        near[n] = since <= context or row.match
    since = context + 1
    for n in range(len(rows) - 1, -1, -1):
        since = 0 if rows[n].match else since + 1
        near[n] = near[n] or since <= context
        if not rows[n].joined:
            since = context + 1
    return [
        row if row.joined is (n > 0 and near[n - 1] and row.joined) else msgspec.structs.replace(row, joined=False)
        for n, row in enumerate(rows)
        if near[n]
    ]
