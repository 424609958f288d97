"""Approvals: a plan that needs other people is asked for, voted on and, once they have agreed, carried out once.

A request binds the hash of its plan: a plan that changes is another plan. Nobody votes on their own
request. Everything here blocks: call it in a thread. What happens is in the audit trail before it counts.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec

from calmtui.errors import Refused, UsageError
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.policies import Requirement
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.store import ledger


class Standing(StrEnum):
    """How a request stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED = "used"
    """Its plan was begun: to do it again is to ask again."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked for."""

    who: Who
    action: str
    summary: str
    """The plan in a sentence."""
    nodes: tuple[str, ...]
    """Ids of the nodes that it will change."""
    needs: dict[str, Requirement]
    """By rule, what lifts it."""
    reason: str = ""


class Vote(msgspec.Struct, frozen=True):
    """What one person said."""

    who: str
    groups: tuple[str, ...]
    at: float
    approve: bool
    reason: str = ""


class Request(msgspec.Struct, frozen=True):
    """One request for approval."""

    id: str
    """Eight characters, to be typed."""
    plan: str
    """The hash of the plan."""
    estate: str
    asked: Asked
    asked_at: float
    expires_at: float
    closed: str
    """`withdrawn` or `used`; empty: neither."""
    votes: tuple[Vote, ...] = ()

    def lifted(self) -> frozenset[str]:
        """The rules whose requirement is met by the votes so far."""
        return frozenset(rule for rule, needed in self.asked.needs.items() if met(needed, self.votes))

    def standing(self, now: float) -> Standing:
        """How it stands at a moment."""
        if self.closed:
            return Standing(self.closed)
        if any(not vote.approve for vote in self.votes):
            return Standing.REJECTED
        if now >= self.expires_at:
            return Standing.EXPIRED
        return Standing.APPROVED if len(self.lifted()) == len(self.asked.needs) else Standing.OPEN

    def may_vote(self, subject: Subject) -> str:
        """Why somebody cannot vote on it; empty: they can."""
        if self.asked.who.name == subject.who.name:
            return "nobody approves their own plan"
        groups = {group for needed in self.asked.needs.values() for group in needed.groups}
        if groups and not groups & subject.groups and all(needed.groups for needed in self.asked.needs.values()):
            return f"it takes a member of {' or '.join(sorted(groups))}"
        return ""


def met(needed: Requirement, votes: Sequence[Vote]) -> bool:
    """Whether enough of the right people have agreed."""
    agreed = [vote for vote in votes if vote.approve]
    if not needed.groups:
        return len(agreed) >= needed.number
    if needed.every:
        return all(sum(group in vote.groups for vote in agreed) >= needed.number for group in needed.groups)
    return sum(bool(set(needed.groups) & set(vote.groups)) for vote in agreed) >= needed.number


class Approvals:
    """The requests of an estate's ledger, as seen by one person."""

    def __init__(self, path: Path, trail: Trail, subject: Subject) -> None:
        self.path = path
        self._trail = trail
        self._subject = subject

    def ask(self, plan: str, asked: Asked) -> Request:
        """Ask for a plan's approval; the same open request is not asked twice. Raises StoreError."""
        for request in self.of_plan(plan):
            if request.standing(time.time()) in (Standing.OPEN, Standing.APPROVED):
                return request
        now = time.time()
        expires = now + min((needed.expires for needed in asked.needs.values()), default=0.0)
        request = Request(secrets.token_hex(4), plan, self._trail.estate, asked, now, expires, "")
        self._record(Event.ASKED, request, asked.reason, policies=tuple(asked.needs))
        with ledger.writing(self.path) as connection:
            connection.execute(
                "insert into approvals (id, plan, estate, request, asked_at, expires_at) values (?, ?, ?, ?, ?, ?)",
                (request.id, plan, request.estate, msgspec.json.encode(asked).decode(), now, expires),
            )
        return request

    def vote(self, request_id: str, *, approve: bool, reason: str = "") -> Request:
        """Say yes or no. Raises Refused, UsageError when there is no such request, StoreError."""
        request = self.one(request_id)
        self._refuse_unless_open(request)
        why_not = request.may_vote(self._subject)
        if why_not:
            self._trail.append(self._trail.record(Event.DENIED, plan=request.plan, action="approve", detail=why_not))
            raise Refused(f"your vote is not taken: {why_not}", where=f"approval {request.id}")
        self._record(Event.APPROVED if approve else Event.REJECTED, request, reason)
        with ledger.writing(self.path) as connection:
            connection.execute(
                "insert into votes (approval, who, groups, at, approve, reason) values (?, ?, ?, ?, ?, ?)"
                " on conflict (approval, who) do update set at = excluded.at, approve = excluded.approve,"
                " reason = excluded.reason, groups = excluded.groups",
                (
                    request.id,
                    self._subject.who.name,
                    " ".join(sorted(self._subject.groups)),
                    time.time(),
                    approve,
                    reason,
                ),
            )
        return self.one(request.id)

    def withdraw(self, request_id: str) -> Request:
        """Take a request of one's own back. Raises Refused, UsageError, StoreError."""
        request = self.one(request_id)
        if request.asked.who.name != self._subject.who.name:
            raise Refused(f"only {request.asked.who.name} can withdraw it", where=f"approval {request.id}")
        self._refuse_unless_open(request)
        self._record(Event.WITHDRAWN, request, "")
        self._close(request.id, Standing.WITHDRAWN)
        return self.one(request.id)

    def used(self, request: Request) -> None:
        """The plan is being begun: its approval is spent. Raises Refused when another console was first."""
        if not self._close(request.id, Standing.USED):
            raise Refused("its approval was used already", where=f"approval {request.id}", next_step="ask again")

    def one(self, request_id: str) -> Request:
        """The request of that id. Raises UsageError when there is none, StoreError."""
        found = self._load("id = ?", request_id)
        if not found:
            raise UsageError(f"there is no approval {request_id!r}", next_step="`calmtui approvals` lists them")
        return found[0]

    def of_plan(self, plan: str) -> list[Request]:
        """Every request for a plan, the newest first. Raises StoreError."""
        return self._load("plan = ?", plan)

    def all(self) -> list[Request]:
        """Every request of the estate, the newest first. Raises StoreError."""
        return self._load("estate = ?", self._trail.estate)

    def approved(self, plan: str) -> Request | None:
        """The request that allows a plan to be carried out now, if there is one. Raises StoreError."""
        now = time.time()
        return next((one for one in self.of_plan(plan) if one.standing(now) is Standing.APPROVED), None)

    def _refuse_unless_open(self, request: Request) -> None:
        standing = request.standing(time.time())
        if standing not in (Standing.OPEN, Standing.APPROVED):
            raise Refused(f"it is {standing}", where=f"approval {request.id}")

    def _close(self, request_id: str, standing: Standing) -> bool:
        with ledger.writing(self.path) as connection:
            sql = "update approvals set closed = ? where id = ? and closed = ''"
            return connection.execute(sql, (standing.value, request_id)).rowcount == 1

    def _record(self, event: Event, request: Request, reason: str, policies: tuple[str, ...] = ()) -> None:
        self._trail.append(
            self._trail.record(
                event, action=request.asked.action, plan=request.plan, nodes=request.asked.nodes, reason=reason,
                detail=f"approval {request.id}: {request.asked.summary}", policies=policies,
            )
        )  # fmt: skip

    def _load(self, which: str, value: str) -> list[Request]:
        with ledger.reading(self.path) as connection:
            if connection is None:
                return []
            return list(_requests(connection, which, value))


def _requests(connection: sqlite3.Connection, which: str, value: str) -> Iterator[Request]:
    sql = (
        "select id, plan, estate, request, asked_at, expires_at, closed from approvals"  # noqa: S608 -- own text
        f" where {which} order by asked_at desc"
    )
    for name, plan, estate, request, asked_at, expires_at, closed in connection.execute(sql, (value,)).fetchall():
        asked = msgspec.json.decode(request, type=Asked)
        votes = connection.execute(
            "select who, groups, at, approve, reason from votes where approval = ? order by at", (name,)
        )
        yield Request(name, plan, estate, asked, asked_at, expires_at, closed, tuple(_vote(row) for row in votes))


def _vote(row: tuple[str, str, float, int, str]) -> Vote:
    who, groups, at, approve, reason = row
    return Vote(who, tuple(groups.split()), at, bool(approve), reason)


def missing(request: Request) -> Mapping[str, Requirement]:
    """What a request still waits for, by rule."""
    lifted = request.lifted()
    return {rule: needed for rule, needed in request.asked.needs.items() if rule not in lifted}
