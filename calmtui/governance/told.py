"""What requests for approval and records of the trail say to people: one wording for screens and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from calmtui import sanitise
from calmtui.fleet.hostset import fold
from calmtui.governance.approvals import Request, Standing, still_needs
from calmtui.governance.identity import Who
from calmtui.governance.record import Record

_LAST = re.compile(r"[/:]")
"""What stands before the last part of an id."""

Line = tuple[str, str]
"""A name and what stands behind it; safe for a terminal."""


def in_full(request: Request, now: float) -> list[Line]:
    """All that is to be known of a request before one votes on it."""
    asked, standing = request.asked, request.standing(now)
    found = [("approval", f"{request.id}: {standing}"), ("what", asked.summary)]
    found += [("", sentence) for sentence in asked.sentences]
    found += [("with", f"{name}={value}") for name, value in asked.parameters.items()]
    found += [("reason", asked.reason or "none was given"), ("asked by", person(asked.who))]
    found += [("asked at", clock(request.asked_at)), ("expires", _expiry(request, standing, now))]
    found += [
        ("rule", f"{rule}: {needed}, {'still missing' if rule in request.missing else 'met'}")
        for rule, needed in asked.needs.items()
    ]
    for vote in request.votes:
        why = f": {vote.reason}" if vote.reason else ""
        found.append(("vote", f"{vote.who} {'approved' if vote.approve else 'rejected'} it at {clock(vote.at)}{why}"))
    if standing is Standing.OPEN:
        found.append(("needs", still_needs(request)))
    found += [("plan", request.plan), ("nodes", f"{len(asked.nodes):,}"), *_folded(asked.nodes, asked.names)]
    return [(name, sanitise.word(text)) for name, text in found]


def record_in_full(record: Record, seal: str) -> list[Line]:
    """All that a record of the trail says."""
    found = [
        ("record", f"{record.seq:,}"), ("at", local(record.at)), ("event", record.event.value),
        ("status", record.status), ("who", person(record.who)), ("estate", record.estate), ("action", record.action),
        ("detail", record.detail), ("reason", record.reason), ("rules", ", ".join(record.policies)),
        ("plan", record.plan), *((name, str(value)) for name, value in record.more.items()),
        ("seal", seal), ("nodes", f"{len(record.nodes):,}" if record.nodes else ""), *_folded(record.nodes),
    ]  # fmt: skip
    return [(name, sanitise.word(text)) for name, text in found if text]


def person(who: Who) -> str:
    """Who it was and from where."""
    parts = [who.name, f"as {who.user}" if who.login else "", f"on {who.host}" if who.host else ""]
    parts += [f"from {who.origin}" if who.origin else "", f"at {who.terminal}" if who.terminal else ""]
    return " ".join(filter(None, parts))


def clock(at: float) -> str:
    """Seconds since the epoch as local time, in minutes."""
    return datetime.fromtimestamp(at).astimezone().isoformat(" ", "minutes")


def local(at: str) -> str:
    """A time of the trail as local time, in seconds."""
    return datetime.fromisoformat(at).astimezone().isoformat(" ", "seconds")


def nodes(ids: tuple[str, ...]) -> str:
    """Ids in a few characters."""
    return ids[0] if len(ids) == 1 else f"{len(ids):,} nodes" if ids else ""


def said(record: Record) -> str:
    """What a record says in words: its detail, the reason given, the rules that decided."""
    parts = [record.detail, f"reason: {record.reason}" if record.reason else ""]
    parts.append(f"by {', '.join(record.policies)}" if record.policies else "")
    return " · ".join(filter(None, parts))


def _expiry(request: Request, standing: Standing, now: float) -> str:
    left = request.expires_at - now
    far = f", in {_span(left)}" if standing in (Standing.OPEN, Standing.APPROVED) else ""
    return clock(request.expires_at) + far


def _span(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _folded(ids: Sequence[str], called: Sequence[str] = ()) -> Iterator[Line]:
    """Nodes as host sets, a line for each place that they share: `ssh:web/web-[001-047]`."""
    places: dict[str, list[str]] = {}
    own = [_LAST.split(node_id)[-1] for node_id in ids]
    for node_id, last, name in zip(ids, own, called or own, strict=True):
        places.setdefault(node_id[: len(node_id) - len(last)], []).append(name)
    yield from (("", f"{place}{fold(found)}") for place, found in sorted(places.items()))
