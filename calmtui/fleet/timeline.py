"""Timeline: runs of the same change as one entry, outages by where they begin, counts over time.

Pure. Entries stand in the order in which they came; nothing in front of an entry changes when others follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from calmtui.fleet.history import Record
from calmtui.fleet.node import TROUBLE, NodeId
from calmtui.fleet.update import ChangeKind

QUIET = 600.0
"""Seconds without a bad change after which the next one begins an outage of its own."""
RUN = 2.0
"""Seconds between two of the same change, of nodes of one kind, within which they are one entry."""


class Mark(StrEnum):
    """What a change means for those who look for a cause; the value is the word on the screen."""

    NONE = ""
    FIRST = "first bad"
    """Trouble after quiet: where an outage begins."""
    BAD = "bad"
    """It brought a node into trouble for the first time."""
    AGAIN = "bad again"
    """It brought a node into trouble that had been in trouble before."""
    WELL = "well again"
    """It brought a node out of trouble."""

    @property
    def trouble(self) -> bool:
        """Whether it brought a node into trouble."""
        return self in (Mark.FIRST, Mark.BAD, Mark.AGAIN)

    @property
    def well(self) -> bool:
        """Whether it brought a node out of trouble."""
        return self is Mark.WELL


class Entry:
    """One change, or a run of the same change on several nodes."""

    __slots__ = ("mark", "records")

    def __init__(self, record: Record, mark: Mark) -> None:
        self.records = [record]
        """In the order in which they came; never empty."""
        self.mark = mark

    @property
    def record(self) -> Record:
        """The first of them."""
        return self.records[0]

    @property
    def at(self) -> float:
        """When the first of them was seen."""
        return self.records[0].at


class Bucket(NamedTuple):
    """The changes of a stretch of time."""

    changes: int
    bad: int


class Timeline:
    """Entries of records, the oldest first; records are appended as they come."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.entries: list[Entry] = []
        self.count = 0
        """Changes in all entries."""
        self.bad = 0
        """Of them, those that brought a node into trouble."""
        self._bad_at: float | None = None
        self._troubled: set[NodeId] = set()
        self.extend(records)

    def extend(self, records: Iterable[Record]) -> None:
        """Append records that came after all that are there."""
        for record in records:
            self.count += 1
            mark = self._mark(record)
            last = self.entries[-1] if self.entries else None
            if last is not None and last.mark is _of_run(mark, last.mark) and _same(last.records[-1], record):
                last.records.append(record)
            else:
                self.entries.append(Entry(record, mark))

    def marked(self) -> Iterator[tuple[Record, Mark]]:
        """Every change with what it means; of a run, only the first is where an outage begins."""
        for entry in self.entries:
            yield entry.record, entry.mark
            for record in entry.records[1:]:
                yield record, Mark.BAD if entry.mark is Mark.FIRST else entry.mark

    def _mark(self, record: Record) -> Mark:
        if not record.bad:
            return Mark.WELL if _mended(record) else Mark.NONE
        self.bad += 1
        quiet = self._bad_at is None or record.at - self._bad_at > QUIET
        self._bad_at = record.at
        again = record.node in self._troubled
        self._troubled.add(record.node)
        if quiet:
            return Mark.FIRST
        return Mark.AGAIN if again else Mark.BAD

    def next(self, index: int, step: int, marks: Sequence[Mark]) -> int | None:
        """The next entry from there, up (-1) or down (1), that has one of the marks."""
        at = index + step
        while 0 <= at < len(self.entries):
            if self.entries[at].mark in marks:
                return at
            at += step
        return None

    def buckets(self, begin: float, end: float, count: int) -> list[Bucket]:
        """How many changes fall into each of `count` equal stretches from `begin` up to and including `end`."""
        changes, bad = [0] * count, [0] * count
        for entry in self.entries:
            for record in entry.records:
                if begin <= record.at <= end:
                    at = bucket_of(record.at, begin, end, count)
                    changes[at] += 1
                    bad[at] += record.bad
        return [Bucket(*both) for both in zip(changes, bad, strict=True)]


def bucket_of(at: float, begin: float, end: float, count: int) -> int:
    """Which of `count` equal stretches from `begin` to `end` a moment falls into; the nearest when it is outside."""
    share = (at - begin) / (end - begin) if end > begin else 0.0
    return max(min(int(share * count), count - 1), 0)


def _of_run(mark: Mark, of_run: Mark) -> Mark:
    """The mark that a run has when a change of that mark may join it: what fails first takes the others along."""
    return of_run if mark is Mark.BAD and of_run is Mark.FIRST else mark


def _same(one: Record, other: Record) -> bool:
    """Whether two changes differ in the node alone."""
    return (
        other.at - one.at <= RUN
        and one.node != other.node
        and (one.kind, one.source, one.node_kind) == (other.kind, other.source, other.node_kind)
        and one.not_before == other.not_before
        and (
            (one.before, one.after) == (other.before, other.after)
            if one.kind is ChangeKind.ALTERED
            else (one.before.get("state"), one.after.get("state"))
            == (other.before.get("state"), other.after.get("state"))
        )
    )


def _mended(record: Record) -> bool:
    before, after = record.before.get("state"), record.after.get("state")
    return record.kind is ChangeKind.ALTERED and before in TROUBLE and after is not None and after not in TROUBLE
