"""The audit trail of a ledger: records appended, read, exported and verified.

Everything here blocks: call it in a thread.
Several consoles and people append to one trail: each append takes the ledger for itself, reads the last
seal and goes on from it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import msgspec

from calmtui import masks
from calmtui.errors import UsageError
from calmtui.estate.model import Estate
from calmtui.governance import record as chain
from calmtui.governance.identity import Who, me
from calmtui.governance.record import ORIGIN, Event, Record, Verdict
from calmtui.governance.sinks import Sink, SinkError, sinks
from calmtui.governance.sought import EVERYTHING, Sought
from calmtui.store import ledger
from calmtui.store.database import StoreError

log = logging.getLogger(__name__)

_record = msgspec.json.Decoder(Record)


class Sealed(msgspec.Struct, frozen=True):
    """A record as it stands in the trail."""

    record: Record
    seal: str
    body: str
    """The exact text that was sealed."""

    @property
    def line(self) -> str:
        """It as a line of an export."""
        return export_line(self.body, self.seal)


class _Line(msgspec.Struct):
    """A line of an export; the body keeps its exact bytes."""

    record: msgspec.Raw
    seal: str


_line = msgspec.json.Decoder(_Line)


class Trail:
    """The trail that the actions of an estate are recorded in."""

    def __init__(self, path: ledger.Place, estate: str, *, who: Who | None = None, to: Sequence[Sink] = ()) -> None:
        self.path = path
        self.estate = estate
        self.who = who or me()
        self.trouble = ""
        """Why the last records did not reach a sink; empty when they did."""
        self._sinks = to

    def append(self, *records: Record) -> list[Sealed]:
        """Number, mask and seal records, and write them through to the disk, then hand them to the sinks.

        Raises StoreError: what they tell of must not be done then, or not go on. A sink that fails is no
        such reason, because the ledger has the record: it is told in calmtui's log, and in `trouble`.
        """
        with ledger.writing(self.path) as connection:
            last = connection.execute("select seq, seal from audit order by seq desc limit 1").fetchone()
            if last is None:
                key = ledger.make_key(self.path)
                records = (Record(event=Event.BEGUN, who=self.who, detail=f"key {chain.key_id(key)}"), *records)
            else:
                key = ledger.read_key(self.path)
            seq, prev = last or (0, ORIGIN)
            made = []
            for seq, item in enumerate(records, seq + 1):  # noqa: B020 -- goes on counting from the last
                body, whole = self._body(item, seq, prev)
                prev = chain.seal(body, key)
                made.append(Sealed(whole, prev, body.decode()))
            rows = [(item.record.seq, item.body, item.seal) for item in made]
            connection.executemany("insert into audit (seq, body, seal) values (?, ?, ?)", rows)
        self._send([item.line for item in made])
        return made

    def _send(self, lines: list[str]) -> None:
        self.trouble = ""
        for sink in self._sinks:
            try:
                sink(lines)
            except SinkError as error:
                log.warning("%s", error)
                self.trouble = str(error)

    def record(self, event: Event, **fields: object) -> Record:
        """A record of this estate by this person, to be appended."""
        return msgspec.convert({"event": event, "estate": self.estate, **fields, "who": self.who}, Record)

    def _body(self, item: Record, seq: int, prev: str) -> tuple[bytes, Record]:
        """A record's canonical body and the record as it says; the time is that of the writing."""
        whole = msgspec.structs.replace(
            item, seq=seq, prev=prev, at=utc(time.time()), action=masks.text(item.action),
            detail=masks.text(item.detail), reason=masks.text(item.reason), more=masks.described(item.more),
        )  # fmt: skip
        return chain.canonical(whole), whole


def of(estate: Estate, who: Who | None = None) -> Trail:
    """The trail of an estate, in its ledger; of what `who` does, else this user."""
    return Trail(ledger.of(estate), estate.name, who=who, to=sinks(estate.audit))


def utc(at: float) -> str:
    """Seconds since the epoch as the trail writes them; they sort as text."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# -- reading ------------------------------------------------------------------------


def read(
    path: ledger.Place, *, since: float = 0.0, after: int = 0, limit: int | None = None, sought: Sought = EVERYTHING
) -> list[Sealed]:
    """The records since a moment and after a number that are sought, oldest first; the newest `limit` at most.

    Raises StoreError, also when a record cannot be read.
    """
    with ledger.reading(path) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "select seq, body, seal from audit where at >= ? and seq > ? and (? = '' or event = ?)"
            " and (? = '' or plan >= ? and plan < ?) order by seq desc",
            (utc(since), after, sought.event, sought.event, sought.plan, sought.plan, f"{sought.plan}g"),
        )
        found = list(islice(_sought(rows, path, sought), limit))
    return found[::-1]


def _sought(rows: Iterable[tuple[int, str, str]], path: ledger.Place, sought: Sought) -> Iterator[Sealed]:
    for seq, body, seal in rows:
        try:
            item = Sealed(_record.decode(body), seal, body)
        except msgspec.MsgspecError:
            step = "it was altered; `calmtui audit verify` tells which records hold"
            raise StoreError(
                f"record {seq} of the trail cannot be read", where=ledger.where(path), next_step=step
            ) from None
        if sought.holds(item.record):
            yield item


def export_line(body: str, seal: str) -> str:
    """A record as one line of JSON, with the exact bytes that were sealed."""
    return f'{{"record":{body},"seal":"{seal}"}}'


def export(path: ledger.Place, write: Callable[[str], object]) -> Verdict:
    """Hand every record to `write` as a line; returns how many there were and the head. Raises StoreError."""
    count, head = 0, ORIGIN
    with ledger.reading(path) as connection:
        if connection is not None:
            for body, seal in connection.execute("select body, seal from audit order by seq"):
                write(export_line(body, seal) + "\n")
                count, head = count + 1, seal
    return Verdict(count, head)


def export_to(path: ledger.Place, file: Path) -> Verdict:
    """Export to a file that is not there yet. Raises UsageError when it cannot be written, StoreError."""
    try:
        with file.open("x", encoding="utf-8") as out:
            return export(path, out.write)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from error


# -- verifying ------------------------------------------------------------------------


def verify(path: ledger.Place, *, head: str = "") -> Verdict:
    """Whether the trail in a ledger holds from its first record to its last. Raises StoreError."""
    with ledger.reading(path) as connection:
        if connection is None:
            return chain.verify((), b"", head=head)
        rows = connection.execute("select seq, body, seal from audit order by seq")
        return chain.verify(_numbered(rows), ledger.read_key(path), head=head)


def _numbered(rows: Iterable[tuple[int, str, str]]) -> Iterator[tuple[bytes, str]]:
    for _, body, seal in rows:
        yield body.encode(), seal


def verify_export(file: Path, key: bytes, *, head: str = "") -> Verdict:
    """Whether an export holds. Raises UsageError when the file cannot be read or holds something else."""
    try:
        with file.open("rb") as lines:
            return chain.verify(_exported(lines, file), key, head=head)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(file)) from error


def _exported(lines: Iterable[bytes], file: Path) -> Iterator[tuple[bytes, str]]:
    for number, text in enumerate(lines, 1):
        if not text.endswith(b"\n"):
            raise UsageError("the last line is cut off", where=f"{file}:{number}")
        try:
            line = _line.decode(text)
        except msgspec.MsgspecError as error:
            raise UsageError("not a line of an export", where=f"{file}:{number}") from error
        yield bytes(line.record), line.seal
