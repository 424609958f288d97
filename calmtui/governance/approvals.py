"""Approvals: a plan that needs other people is asked for, voted on and, once they have agreed, carried out once.

A request binds the hash of its plan: a plan that changes is another plan. Nobody votes on their own
request. Everything here blocks: call it in a thread. What happens is in the audit trail before it counts.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from calmtui.errors import Refused, UsageError
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.policies import Requirement
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.store import ledger
from calmtui.store.postgres import Connection


class Standing(StrEnum):
    """How a request stands."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    USED = "used"
    """Its plan was begun: to do it again is to ask again."""


LIVE = (Standing.OPEN, Standing.APPROVED)
"""How a request stands that something can still become of."""

NEWEST = 500
"""Requests that are listed; older ones are in the audit trail."""


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
    parameters: dict[str, str] = {}
    """The values that it is done with, secrets masked."""
    sentences: tuple[str, ...] = ()
    """What will happen to the nodes, each thing once, secrets masked."""
    names: tuple[str, ...] = ()
    """What people call the nodes, in the order of the ids."""


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

    def lifted(self, needs: Mapping[str, Requirement]) -> frozenset[str]:
        """Of some rules, those whose requirement is met by the votes so far."""
        return frozenset(rule for rule, needed in needs.items() if met(needed, self.votes))

    @property
    def missing(self) -> Mapping[str, Requirement]:
        """What it still waits for, by rule."""
        lifted = self.lifted(self.asked.needs)
        return {rule: needed for rule, needed in self.asked.needs.items() if rule not in lifted}

    def standing(self, now: float) -> Standing:
        """How it stands at a moment."""
        if self.closed:
            return Standing(self.closed)
        if any(not vote.approve for vote in self.votes):
            return Standing.REJECTED
        if now >= self.expires_at:
            return Standing.EXPIRED
        return Standing.OPEN if self.missing else Standing.APPROVED

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

    def __init__(self, path: ledger.Place, trail: Trail, subject: Subject) -> None:
        self.path = path
        self._trail = trail
        self.subject = subject

    def ask(self, plan: str, asked: Asked) -> Request:
        """Ask for a plan's approval; what one has asked for already is not asked twice. Raises StoreError."""
        now = time.time()
        for request in self.of_plan(plan):
            if request.standing(now) in LIVE and request.asked.needs == asked.needs:
                return request
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
        why_not = request.may_vote(self.subject)
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
                    self.subject.who.name,
                    " ".join(sorted(self.subject.groups)),
                    time.time(),
                    int(approve),
                    reason,
                ),
            )
        return self.one(request.id)

    def withdraw(self, request_id: str) -> Request:
        """Take a request of one's own back. Raises Refused, UsageError, StoreError."""
        request = self.one(request_id)
        if request.asked.who.name != self.subject.who.name:
            raise Refused(f"only {request.asked.who.name} can withdraw it", where=f"approval {request.id}")
        self._refuse_unless_open(request)
        self._record(Event.WITHDRAWN, request, "")
        self._close(request, Standing.WITHDRAWN, LIVE)
        return self.one(request.id)

    def used(self, request: Request) -> None:
        """The plan is being begun: its approval is spent. Raises Refused when it does not stand any more."""
        self._close(request, Standing.USED, (Standing.APPROVED,))

    def one(self, request_id: str) -> Request:
        """The estate's request of that id. Raises UsageError when there is none, StoreError."""
        found = self._load("id = ?", request_id)
        if not found:
            raise UsageError(f"there is no approval {request_id!r}", next_step="`calmtui approvals` lists them")
        return found[0]

    def of_plan(self, plan: str) -> list[Request]:
        """What this person has asked for a plan, the newest first: nobody acts on what another asked for.

        Raises StoreError.
        """
        return [one for one in self._load("plan = ?", plan) if one.asked.who.name == self.subject.who.name]

    def newest(self) -> list[Request]:
        """The requests of the estate, the newest first, `NEWEST` at the most. Raises StoreError."""
        return self._load("true")

    def waiting(self, now: float) -> list[Request]:
        """Of the newest, the open ones that wait for this person's vote. Raises StoreError."""
        mine = self.subject.who.name
        return [
            one for one in self.newest()
            if one.standing(now) is Standing.OPEN and not one.may_vote(self.subject)
            and all(vote.who != mine for vote in one.votes)
        ]  # fmt: skip

    def _refuse_unless_open(self, request: Request) -> None:
        standing = request.standing(time.time())
        if standing not in LIVE:
            raise Refused(f"it is {standing}", where=f"approval {request.id}")

    def _close(self, request: Request, standing: Standing, only: Collection[Standing]) -> None:
        """Close it, if it stands so at that moment: others may have voted, used or withdrawn it meanwhile."""
        with ledger.writing(self.path) as connection:
            (now,) = _requests(connection, "id = ?", (request.id,))
            if now.standing(time.time()) not in only:
                raise Refused(f"it is {now.standing(time.time())} by now", where=f"approval {request.id}")
            connection.execute("update approvals set closed = ? where id = ?", (standing.value, request.id))

    def _record(self, event: Event, request: Request, reason: str, policies: tuple[str, ...] = ()) -> None:
        self._trail.append(
            self._trail.record(
                event, action=request.asked.action, plan=request.plan, nodes=request.asked.nodes, reason=reason,
                detail=f"approval {request.id}: {request.asked.summary}", policies=policies,
            )
        )  # fmt: skip

    def _load(self, which: str, *values: str) -> list[Request]:
        with ledger.reading(self.path) as connection:
            if connection is None:
                return []
            return list(_requests(connection, f"estate = ? and {which}", (self._trail.estate, *values)))


def _requests(connection: Connection, which: str, values: Sequence[str]) -> Iterator[Request]:
    sql = (
        "select id, plan, estate, request, asked_at, expires_at, closed from approvals"  # noqa: S608 -- own text
        f" where {which} order by asked_at desc limit {NEWEST:d}"
    )
    for name, plan, estate, request, asked_at, expires_at, closed in connection.execute(sql, values).fetchall():
        asked = msgspec.json.decode(request, type=Asked)
        votes = connection.execute(
            "select who, groups, at, approve, reason from votes where approval = ? order by at", (name,)
        )
        yield Request(name, plan, estate, asked, asked_at, expires_at, closed, tuple(_vote(row) for row in votes))


def _vote(row: tuple[str, str, float, int, str]) -> Vote:
    who, groups, at, approve, reason = row
    return Vote(who, tuple(groups.split()), at, bool(approve), reason)


def described(request: Request, now: float) -> dict[str, Any]:
    """A request as scripts and hooks get it."""
    asked = request.asked
    return {
        "id": request.id, "plan": request.plan, "estate": request.estate, "standing": request.standing(now).value,
        "asked_by": asked.who.name, "asked_from": asked.who.origin or asked.who.host, "asked_at": request.asked_at,
        "expires_at": request.expires_at, "action": asked.action, "summary": asked.summary, "reason": asked.reason,
        "parameters": asked.parameters, "sentences": asked.sentences, "nodes": asked.nodes,
        "needs": {rule: str(needed) for rule, needed in asked.needs.items()}, "missing": list(request.missing),
        "votes": [{"who": vote.who, "at": vote.at, "approve": vote.approve, "reason": vote.reason}
                  for vote in request.votes],
    }  # fmt: skip


def still_needs(request: Request) -> str:
    """What a request still waits for, in words."""
    return "; ".join(f"{needed} ({rule})" for rule, needed in request.missing.items()) or "nothing more"
