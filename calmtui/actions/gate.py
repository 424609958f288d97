"""The gate: whatever changes something goes through here, in the console, on the command line and in runs alike.

`judge` says what policy and freezes say of a deed, and what it would take; `admit` asks again at the
moment of doing, locks the nodes, spends the approval and writes the intent into the audit trail. Only
what is admitted is done, and its outcomes are recorded until it ends. What cannot be recorded is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from calmtui import masks
from calmtui.actions.admission import Admission
from calmtui.actions.deed import Deed
from calmtui.errors import Refused, UsageError
from calmtui.estate.around import around
from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate
from calmtui.fleet.node import Node, NodeId
from calmtui.fleet.production import is_production
from calmtui.fleet.query import compile_query
from calmtui.governance import standard, trail
from calmtui.governance.approvals import Approvals, Asked, Request, Standing, described
from calmtui.governance.decide import Answer, Circumstances, Subject, Verdict
from calmtui.governance.locks import Locks
from calmtui.governance.notify import notify
from calmtui.governance.policies import Requirement
from calmtui.governance.record import Event
from calmtui.governance.rulebook import Rulebook, subject_of


@dataclass(frozen=True)
class Judgement:
    """What is said of a deed."""

    deed: Deed
    verdicts: Sequence[Verdict]
    """For each of its nodes."""
    standard: str = ""
    """The standard change that it is: it needs no approval."""
    request: Request | None = None
    """The approval that was asked for it, however it stands."""
    read_only: str = ""
    """Why nothing may be changed at all; empty: things may be."""

    @property
    def answer(self) -> Answer:
        """What holds for the whole: a node that waits for approval holds all of them, a denied one only itself."""
        answers = {verdict.answer for verdict in self.verdicts}
        denied = Answer.DENIED in answers
        if self.read_only or (denied and (self.deed.whole or len(answers) == 1)):
            return Answer.DENIED
        return Answer.APPROVAL if Answer.APPROVAL in answers else Answer.ALLOWED

    @property
    def needs(self) -> dict[str, Requirement]:
        """By rule, the approvals that are missing."""
        return {rule: needed for verdict in self.verdicts for rule, needed in (verdict.needs or {}).items()}

    @property
    def denied(self) -> dict[NodeId, str]:
        """Why not, for each node that is denied."""
        pairs = zip(self.deed.nodes, self.verdicts, strict=True)
        return {node.id: verdict.reason for node, verdict in pairs if verdict.answer is Answer.DENIED}

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that decided, of all nodes."""
        return tuple(sorted({rule for verdict in self.verdicts for rule in verdict.rules}))

    @property
    def why_not(self) -> str:
        """Why it cannot be done as it is, in a sentence; empty: it can."""
        if self.read_only:
            return self.read_only
        return "" if self.answer is Answer.ALLOWED else self.hindrance

    @property
    def hindrance(self) -> str:
        """What stands in the way of any of its nodes, in a sentence."""
        return "; ".join(sorted({verdict.reason for verdict in self.verdicts if verdict.reason}))


@dataclass(frozen=True)
class _Books:
    """What a gate goes by and writes into, for one declaration of the estate."""

    live: LiveEstate
    estate: Estate
    subject: Subject | None
    """On whose behalf; None: who runs this program."""

    @cached_property
    def trail(self) -> trail.Trail:
        return trail.of(self.estate, self.subject.who if self.subject else None)

    @cached_property
    def rulebook(self) -> Rulebook:
        return Rulebook(self.live, self.subject)

    @cached_property
    def approvals(self) -> Approvals:
        return Approvals(self.trail.path, self.trail, self.subject or subject_of(self.estate))


class Gate:
    """The gate of one live estate. Opening a ledger or reading policies blocks, and is done in threads."""

    def __init__(
        self,
        live: LiveEstate,
        *,
        read_only: bool,
        through: str,
        interactive: bool = True,
        subject: Subject | None = None,
    ) -> None:
        """`through` is `console`, `command` or `runbook`; `subject` is on whose behalf, None: who runs this program."""
        self.live = live
        self._subject = subject
        self._read_only = read_only
        self._through = through
        self._interactive = interactive
        self._opened: _Books | None = None

    @property
    def read_only(self) -> str:
        """Why nothing may be changed: by the estate, or because calmtui was started so; empty: it may."""
        if self.live.estate.read_only:
            return "the estate is read-only; its file says so with read_only"
        return "calmtui runs read-only; start it without --read-only to change things" if self._read_only else ""

    @property
    def trail(self) -> trail.Trail:
        """Where everything is recorded."""
        return self._books.trail

    @property
    def rulebook(self) -> Rulebook:
        """Raises EstateError when the policies are wrong: nothing is let through then."""
        return self._books.rulebook

    @property
    def approvals(self) -> Approvals:
        """The requests for approval, as this person sees them."""
        return self._books.approvals

    @property
    def _books(self) -> _Books:
        """Those of the estate as it is declared now: a console paints before it has read the estate's file."""
        if self._opened is None or self._opened.estate is not self.live.estate:
            self._opened = _Books(self.live, self.live.estate, self._subject)
        return self._opened

    async def judge(self, deed: Deed, *, break_glass: bool = False) -> Judgement:
        """What is said of a deed as things stand now. Raises EstateError, StoreError."""
        return await asyncio.to_thread(self._judge, deed, break_glass=break_glass)

    async def ask(self, judgement: Judgement, reason: str = "") -> Request:
        """Ask others to approve. Raises StoreError; UsageError when there is nothing to be approved."""
        if judgement.answer is not Answer.APPROVAL:
            raise UsageError(judgement.why_not or "nothing stands in the way: there is nothing to be approved")
        deed = judgement.deed
        asked = Asked(
            self.trail.who, deed.action, deed.summary, deed.ids, judgement.needs, reason,
            masks.described(dict(deed.parameters)),
            tuple(sorted(set(map(masks.text, deed.sentences)))), tuple(node.name for node in deed.nodes),
        )  # fmt: skip
        return await asyncio.to_thread(self.approvals.ask, deed.hash, asked)

    async def tell(self, request: Request) -> None:
        """Have people outside of the console told how a request stands. Raises CalmError when they were not."""
        message = {"kind": "approval", **described(request, time.time())}
        await asyncio.to_thread(notify, self.live.estate.notify, message)

    async def admit(self, deed: Deed, *, break_glass: bool = False, reason: str = "") -> Admission:
        """Let it through, or raise Refused; also raises EstateError, StoreError, UsageError without a reason."""
        if break_glass and not reason.strip():
            raise UsageError("break-glass needs a reason", next_step="say why, for those who review it")
        return await asyncio.to_thread(self._admit, deed, break_glass=break_glass, reason=reason)

    async def go_on(self, deed: Deed, nodes: Sequence[Node], *, break_glass: bool, key: str) -> Admission:
        """Let a part of what was admitted through, as things stand now; its approval, used since, still counts.

        `key` names the whole to the locks, so that whoever carries it on after a crash has them. Raises EstateError,
        StoreError.
        """
        return await asyncio.to_thread(self._go_on, deed, nodes, break_glass=break_glass, key=key)

    async def frozen(
        self, deed: Deed, nodes: Sequence[Node], *, break_glass: bool
    ) -> tuple[tuple[str, ...], float] | None:
        """The freezes that keep a part of what was admitted from being gone on with, and when the last of them ends.

        None: none does. Seconds since the epoch. Raises EstateError, StoreError.
        """
        return await asyncio.to_thread(self._frozen, deed, nodes, break_glass=break_glass)

    def _frozen(self, deed: Deed, nodes: Sequence[Node], *, break_glass: bool) -> tuple[tuple[str, ...], float] | None:
        freezes, now = self.rulebook.freezes, time.time()
        if not freezes.holding(now) or self.read_only:
            return None
        judgement = self._judge(deed, break_glass=break_glass, begun=True)
        verdicts = dict(zip(deed.ids, judgement.verdicts, strict=True))
        held = {
            name
            for node in nodes
            if verdicts[node.id].answer is not Answer.ALLOWED
            for name in verdicts[node.id].freezes
        }
        return (tuple(sorted(held)), freezes.end(held, now)) if held else None

    def _go_on(self, deed: Deed, nodes: Sequence[Node], *, break_glass: bool, key: str) -> Admission:
        judgement = self._judge(deed, break_glass=break_glass, begun=True)
        verdicts = dict(zip(deed.ids, judgement.verdicts, strict=True))
        denied = {
            node.id: self.read_only or verdicts[node.id].reason
            for node in nodes
            if self.read_only or verdicts[node.id].answer is not Answer.ALLOWED
        }
        locks = Locks(self.trail.path, self.live.estate.name, key, self.trail.who.name, deed.action)
        held = locks.take(node.id for node in nodes if node.id not in denied)
        busy = {one.node: f"{one.who} is doing {one.action} to it" for one in held}
        return Admission(deed, denied, busy, self.trail, locks)

    def _judge(self, deed: Deed, *, break_glass: bool, begun: bool = False) -> Judgement:
        verdicts = self._decide(deed, break_glass=break_glass)
        judgement = Judgement(deed, verdicts, read_only=self.read_only if deed.changes else "")
        if judgement.answer is not Answer.APPROVAL:
            return judgement
        change = standard.fitting(self.live.estate.standard, deed.action, deed.nodes, self._compiled)
        if change is not None:
            lifted = frozenset(judgement.needs)
            return replace(
                judgement, verdicts=self._decide(deed, break_glass=break_glass, lifted=lifted), standard=change.name
            )
        now, requests = time.time(), self.approvals.of_plan(deed.hash)
        counts = (Standing.APPROVED, Standing.USED) if begun else (Standing.APPROVED,)
        granted = (one for one in requests if one.standing(now) in counts)
        needs = judgement.needs  # as the rules are now: what sufficed when it was asked for may not any more
        request = next((one for one in granted if len(one.lifted(needs)) == len(needs)), None)
        if request is None:
            return replace(judgement, request=next(iter(requests), None))
        lifted = request.lifted(needs)
        return replace(judgement, verdicts=self._decide(deed, break_glass=break_glass, lifted=lifted), request=request)

    def _decide(self, deed: Deed, *, break_glass: bool, lifted: frozenset[str] = frozenset()) -> list[Verdict]:
        circumstances = Circumstances(
            danger=int(deed.danger), targets=len(deed.nodes), production=sum(map(is_production, deed.nodes)),
            hidden=deed.hidden, undo=deed.undo, break_glass=break_glass, interactive=self._interactive,
            through=self._through,
        )  # fmt: skip
        verdicts = self.rulebook.decide(deed.action, deed.nodes, circumstances, lifted=lifted)
        for act in deed.comprises:
            also = self.rulebook.decide(act, deed.nodes, circumstances, lifted=lifted)
            verdicts = [one.and_also(other) for one, other in zip(verdicts, also, strict=True)]
        return verdicts

    def _admit(self, deed: Deed, *, break_glass: bool, reason: str) -> Admission:
        judgement = without = self._judge(deed, break_glass=False)
        if break_glass and (without.answer is not Answer.ALLOWED or without.denied):
            judgement = self._judge(deed, break_glass=True)
        if judgement.answer is not Answer.ALLOWED:
            self._refuse(judgement, reason)
        denied = judgement.denied
        opened = without.answer is not Answer.ALLOWED or without.denied.keys() != denied.keys()
        against = without if opened else None
        nodes = [node for node in deed.nodes if node.id not in denied]
        locks = Locks(self.trail.path, self.live.estate.name, f"{deed.hash[:16]}-{secrets.token_hex(8)}",
                      self.trail.who.name, deed.action)  # fmt: skip
        held = locks.take(node.id for node in nodes) if deed.exclusive else []
        busy = {one.node: f"{one.who} is doing {one.action} to it" for one in held}
        with contextlib.ExitStack() as undo:
            undo.callback(locks.release)
            self._record(judgement, nodes, against=against, reason=reason)
            undo.pop_all()
        return Admission(deed, denied, busy, self.trail, locks, broken=reason if against else "")

    def _record(self, judgement: Judgement, nodes: list[Node], *, against: Judgement | None, reason: str) -> None:
        """Spend the approval and write what is about to be done, before anything of it is.

        `against`: what was said of it without breaking the glass, where that was needed.
        """
        deed = judgement.deed
        if judgement.request is not None:
            self.approvals.used(judgement.request)
        common = {"action": deed.action, "plan": deed.hash, "reason": reason, "policies": judgement.rules}
        by = f"; standard change {judgement.standard}" if judgement.standard else ""
        by += f"; approval {judgement.request.id}" if judgement.request else ""
        ids = tuple(node.id for node in nodes)
        records = [self.trail.record(deed.event, nodes=ids, detail=deed.summary + by, **common)]
        if against is not None:
            said = f"{deed.summary}, against {against.hindrance}"
            records.insert(
                0, self.trail.record(Event.BREAK_GLASS, nodes=ids, detail=said, **{**common, "policies": against.rules})
            )
        if judgement.denied:
            records.append(
                self.trail.record(Event.DENIED, nodes=tuple(judgement.denied), **common,
                                  detail="; ".join(sorted(set(judgement.denied.values()))))
            )  # fmt: skip
        self.trail.append(*records)

    def _refuse(self, judgement: Judgement, reason: str) -> None:
        """Record that it was denied, and raise Refused."""
        deed = judgement.deed
        self.trail.append(
            self.trail.record(
                Event.DENIED, action=deed.action, plan=deed.hash, nodes=deed.ids, detail=judgement.why_not,
                reason=reason, policies=judgement.rules,
            )
        )  # fmt: skip
        asks = "--ask-approval asks for it" if self._through == "command" else "ask for approval"
        step = asks if judgement.answer is Answer.APPROVAL else ""
        raise Refused(f"{deed.action} is refused: {judgement.why_not}", where=self.live.estate.name, next_step=step)

    def _compiled(self, query: str) -> Callable[[Node], bool]:
        return compile_query(query, around(self.live))
