"""The records of the audit trail, and the chain that binds each to the one before. Pure: bytes in, bytes out.

A record's body is canonical JSON (UTF-8, keys sorted, no white space; fields that are empty are left
out) and holds its number and the seal of the record before. Its seal is the HMAC-SHA256 of the body.
Whoever alters, removes, inserts or moves a record without the key breaks a seal or a link; whoever
cuts off the end is found out by a head (the last seal) that was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec

from calmtui.governance.identity import Who

ORIGIN = "0" * 64
"""What stands as the seal before the first record."""


class Event(StrEnum):
    """What a record tells of."""

    BEGUN = "begun"
    """The trail was begun; `detail` names its key."""
    INTENT = "intent"
    """Something is about to be done, written before it is."""
    OUTCOME = "outcome"
    """What became of one node."""
    ENDED = "ended"
    """Everything that was intended has its outcome."""
    DENIED = "denied"
    COMMAND = "command"
    """A command is about to be run on nodes."""
    SHELL = "shell"
    COPY = "copy"
    """Files are about to be put or read."""
    ASKED = "asked"
    """An approval was asked for."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ANSWERED = "answered"
    """Somebody has told a run what it asks for."""
    STEERED = "steered"
    """Somebody asks a run to pause, to go on, to end, to roll back or to begin again; written before it is asked."""
    BREAK_GLASS = "break-glass"
    REVIEWED = "reviewed"
    """Somebody has looked at what was done by break-glass."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record. Secrets are masked before it is made."""

    seq: int = 0
    """Its number, from 1, without a gap."""
    prev: str = ""
    """The seal of the record before, in hexadecimal."""
    at: str = ""
    """When, UTC: `2026-11-21T02:29:14.103000Z`."""
    event: Event
    who: Who
    estate: str = ""
    action: str = ""
    """The action, command or runbook."""
    plan: str = ""
    """The hash of the plan that it belongs to."""
    nodes: tuple[str, ...] = ()
    """Ids."""
    status: str = ""
    detail: str = ""
    reason: str = ""
    """Why somebody did it, in their words."""
    policies: tuple[str, ...] = ()
    """Ids of the rules that decided."""
    more: dict[str, Any] = {}
    """What belongs to one kind of event only."""


def canonical(record: Record) -> bytes:
    """The body of a record."""
    return msgspec.json.encode(record, order="sorted")


def seal(body: bytes, key: bytes) -> str:
    """The seal of a body, 64 hexadecimal digits."""
    return hmac.digest(key, body, "sha256").hex()


def key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"calmtui audit key " + key).hexdigest()[:16]


class Bad(msgspec.Struct, frozen=True):
    """The first record at which the chain does not hold."""

    seq: int
    """Its number, or the one that should stand there."""
    what: str


class Verdict(msgspec.Struct, frozen=True):
    """What came of following a chain."""

    records: int
    """So many hold."""
    head: str
    """The seal of the last of them."""
    bad: Bad | None = None


class _Link(msgspec.Struct):
    """The fields that the chain needs; the rest of a body is not looked at."""

    seq: int
    prev: str


_link = msgspec.json.Decoder(_Link)


def verify(chain: Iterable[tuple[bytes, str]], key: bytes, *, head: str = "") -> Verdict:
    """Follow the bodies and seals of a whole trail from its first record.

    `head`: a seal that must be among them, as it was noted earlier.
    """
    seq, last, seen = 0, ORIGIN, not head
    for body, sealed in chain:
        seq += 1
        bad = _broken(body, sealed, seq, last, key)
        if bad:
            return Verdict(seq - 1, last, Bad(seq, bad))
        last = sealed
        seen = seen or last == head
    missing = Bad(seq + 1, f"no record has the seal {head}: the end of the trail was cut off") if not seen else None
    return Verdict(seq, last, missing)


def _broken(body: bytes, sealed: str, seq: int, last: str, key: bytes) -> str:
    if not hmac.compare_digest(hmac.digest(key, body, "sha256").hex(), sealed):
        return "it was altered: its seal does not fit" if seq > 1 else "its seal does not fit: altered, or another key"
    try:
        link = _link.decode(body)
    except msgspec.MsgspecError:
        return "it is no record"
    if link.seq != seq:
        return f"number {link.seq} stands here: records are missing, inserted or moved"
    return "" if link.prev == last else "it does not follow the record before it"
