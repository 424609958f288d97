"""Execution: something done to many nodes at once within a limit, with one outcome for each, as it happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from calmtui import sanitise
from calmtui.actions import batches
from calmtui.actions.admission import Admission
from calmtui.actions.gate import Gate
from calmtui.actions.limits import Limits
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.pace import LOOK, Pace, healthy
from calmtui.actions.plan import Plan, filled
from calmtui.errors import CalmError, Refused
from calmtui.estate.live import LiveEstate
from calmtui.fleet.node import Node, NodeId
from calmtui.providers.base import Action, Lifecycle, NodeGone, OutcomeUnknown, Unreachable

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""Before the first retry; twice as many before the second, and so on."""

LOOK_AGAIN = 30.0
"""Seconds in which an act whose answer was lost is looked up."""

SAME_MOMENT = 5.0
"""Seconds by which `created` may differ and still be the same thing: some sources compute it from an uptime."""

Listener = Callable[[Outcome], None]
Do = Callable[[Node], Awaitable[tuple[Status, str]]]
"""Does it to a node: ok or failed, and a few words on what came of it. May raise anything."""


class Execution:
    """One thing being done to some nodes; `run` does it, `outcomes` has one for each node at any moment."""

    def __init__(
        self,
        live: LiveEstate,
        title: str,
        nodes: Iterable[Node],
        do: Do,
        *,
        refuses: Callable[[Node], str],
        limits: Limits,
        interrupted: str = "interrupted: it may have happened all the same",
        admission: Admission | None = None,
    ) -> None:
        """`refuses` says why a node, as it is now, cannot be done any more; empty: it can.

        `interrupted` is the outcome of what is under way when it is cancelled. What the `admission` did not let
        through has its outcome from the start. Raises UsageError for limits that are none.
        """
        self.title = title
        self.outcomes: dict[NodeId, Outcome] = {node.id: Outcome(node) for node in nodes}
        self.limits = limits
        self.began: float | None = None
        """Seconds since the epoch; None until it runs."""
        self.ended: float | None = None
        self._live = live
        self._do = do
        self._refuses = refuses
        self._interrupted = interrupted
        self._budget = batches.budget(limits.max_failed, len(self.outcomes))
        self._min_healthy = batches.least(limits.min_healthy, len(self.outcomes))
        self._admission: Admission | None = None
        self._admitted = False
        """Whether the gate has let the next `run` through."""
        self._waiting: deque[NodeId] = deque(self.outcomes)
        self._before: tuple[float | None, list[Outcome]] = (None, [])
        """When it ended, and what became of the nodes that wait again, for as long as the gate has not been asked."""
        self._listeners: list[Listener] = []
        if admission is not None:
            self.admit(admission)

    def admit(self, admission: Admission) -> None:
        """Take what the gate let through, for the next `run`: of the nodes that wait, the others are left out."""
        self._admission, self._admitted = admission, True
        self._before = (None, [])
        waiting, self._waiting = self._waiting, deque()
        for node_id in waiting:
            if node_id in admission.denied:
                reason = sanitise.word(admission.denied[node_id])
                self._put(Outcome(self.outcomes[node_id].node, Status.DENIED, reason))
            elif node_id in admission.busy:
                self._skip(node_id, sanitise.word(admission.busy[node_id]))
            else:
                self._waiting.append(node_id)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each outcome that changes; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def run(self, retries: int = 0) -> list[Outcome]:
        """Do it to every node that waits, and up to `retries` times again where it failed; the outcomes of all.

        They are in the order of the nodes. Cancelled, it does not begin another node, and those under way become
        unknown. Raises Refused when the gate has not let it through: each run is let through anew.
        """
        admission = self._admission
        if admission is None or not self._admitted:
            raise Refused(f"{self.title} is refused: the gate has not let it through")
        self._admitted = False
        quiet = self.subscribe(admission.note)
        try:
            async with admission:
                return await self._tried(retries)
        finally:
            quiet()

    async def _tried(self, retries: int) -> list[Outcome]:
        outcomes = await self._run()
        for number in range(1, retries + 1):
            if not self.requeue(Status.FAILED):
                break
            await asyncio.sleep(number * RETRY_SECONDS)
            outcomes = await self._run()
        return outcomes

    async def _run(self) -> list[Outcome]:
        self.began = time.time()
        sizes = batches.sizes(self.limits.batches, len(self._waiting))
        before = 0
        try:
            for number, size in enumerate(sizes, 1):
                await self._batch(size)
                failed = len(self.having(Status.FAILED, Status.UNKNOWN))
                if number < len(sizes) and not self._may_follow(failed, failed - before, size):
                    self._skip_rest(f"not begun: batch {number} of {len(sizes)} had failures")
                before = failed
        finally:
            self.cancel()
            self.ended = time.time()
        return list(self.outcomes.values())

    def _may_follow(self, failed: int, in_batch: int, size: int) -> bool:
        """Whether a batch may follow one of this size, given how many have failed in all and in it."""
        allowed = batches.budget(self.limits.max_failed_in_batch, size)
        if allowed is not None:
            return in_batch <= allowed and failed <= (failed if self._budget is None else self._budget)
        return failed <= (self._budget or 0)

    def cancel(self) -> int:
        """Begin no further node; those that wait are skipped. Returns how many there were."""
        return self._skip_rest("cancelled before it began")

    def requeue(self, *statuses: Status) -> int:
        """Let the nodes whose outcomes stand there wait again, for another `run`. Returns how many they are."""
        nodes = self.having(*statuses)
        if nodes:
            self._before = (self.ended, [self.outcomes[node.id] for node in nodes])
            self.ended = None
        for node in nodes:
            self._put(Outcome(node))
            self._waiting.append(node.id)
        return len(nodes)

    def leave(self) -> None:
        """Take `requeue` back, when the gate has not let through what was to be done again."""
        self._waiting.clear()
        self.ended, outcomes = self._before
        for outcome in outcomes:
            self._put(outcome)

    @property
    def unrecorded(self) -> str:
        """Why some of its outcomes could not be recorded or sent on; empty when all is well."""
        return self._admission.trouble if self._admission is not None else ""

    @property
    def broken(self) -> str:
        """The reason for which the glass was broken; empty: it was not."""
        return self._admission.broken if self._admission is not None else ""

    @property
    def waiting(self) -> list[Node]:
        """The nodes that have not been begun, in the order in which they will be."""
        return [self.outcomes[node_id].node for node_id in self._waiting]

    def having(self, *statuses: Status) -> list[Node]:
        """The nodes whose outcome stands there."""
        return [outcome.node for outcome in self.outcomes.values() if outcome.status in statuses]

    async def _batch(self, size: int) -> None:
        """Do it to the next `size` nodes."""
        last = max(len(self._waiting) - size, 0)
        pace = Pace(self._waiting, self.limits.parallel, self._min_healthy)

        async def work() -> None:
            while len(self._waiting) > last:
                if self._spent():
                    self._skip_rest(f"not begun: more than {self._budget} had failed")
                elif (node_id := pace.begin(self._healthy())) is not None:
                    try:
                        await self._one(node_id)
                    finally:
                        pace.end(node_id)
                elif pace.hopeless:
                    self._skip_rest(pace.hopeless)
                else:
                    await asyncio.sleep(LOOK)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.limits.parallel, size)):
                group.create_task(work())

    def _healthy(self) -> set[NodeId]:
        """The nodes that run; not looked up where it does not matter."""
        if not self._min_healthy:
            return set()
        failed = {node.id for node in self.having(Status.FAILED, Status.UNKNOWN)}
        return healthy(self._live, self.outcomes, failed)

    def _skip_rest(self, reason: str) -> int:
        count = len(self._waiting)
        while self._waiting:
            self._skip(self._waiting.popleft(), reason)
        return count

    async def _one(self, node_id: NodeId) -> None:
        planned = self.outcomes[node_id].node
        node = self._live.fleet.get(node_id)
        if node is None:
            self._skip(node_id, "gone since the plan was made")
            return
        changed = replaced(planned, node) or self._refuses(node)
        if changed:
            self._skip(node_id, changed)
            return
        self._put(Outcome(planned, Status.RUNNING, started=time.time()))
        begun = time.monotonic()
        status, detail = await self._attempt(node, begun)
        self._end(node_id, status, detail, begun)

    async def _attempt(self, node: Node, begun: float) -> tuple[Status, str]:
        try:
            return await self._do(node)
        except asyncio.CancelledError:
            self._end(node.id, Status.UNKNOWN, self._interrupted, begun)
            raise
        except OutcomeUnknown as error:
            return Status.UNKNOWN, str(error)
        except NodeGone as error:
            return Status.SKIPPED, str(error)
        except CalmError as error:
            return Status.FAILED, str(error)
        except Exception as error:  # a fault in a provider is that node's outcome, not the end of the others'
            log.exception("%s of %s", self.title, node.id)
            text = f"internal error: {type(error).__name__}: {error}; calmtui's log file has the details"
            return Status.FAILED, text

    def _end(self, node_id: NodeId, status: Status, detail: str, begun: float) -> None:
        took = time.monotonic() - begun
        detail = sanitise.word(detail)
        self._put(replace(self.outcomes[node_id], status=status, detail=detail, took=took))

    def _skip(self, node_id: NodeId, reason: str) -> None:
        self._put(Outcome(self.outcomes[node_id].node, Status.SKIPPED, reason))

    def _spent(self) -> bool:
        """Whether more have failed than may; what is under way goes on, nothing else is begun."""
        return self._budget is not None and len(self.having(Status.FAILED, Status.UNKNOWN)) > self._budget

    def _put(self, outcome: Outcome) -> None:
        self.outcomes[outcome.node.id] = outcome
        for listener in list(self._listeners):
            listener(outcome)


async def act(
    gate: Gate, plan: Plan, limits: Limits | None = None, *, break_glass: bool = False, reason: str = ""
) -> Execution:
    """The execution of a plan that the gate has let through, not yet begun.

    Raises Refused; UsageError when the plan lacks a value that it needs; EstateError when policies are wrong;
    StoreError when it cannot be recorded.
    """
    live, limits = gate.live, limits or Limits()
    plan = filled(plan, plan.parameters)
    limits.check()
    actions = {target.node.id: target.action for target in plan.targets}

    async def do(node: Node) -> tuple[Status, str]:
        return await acted(live, node, actions[node.id], plan.parameters)

    def refuses(node: Node) -> str:
        action = actions[node.id]
        if plan.name in node.actions or (action.reaches is not None and node.state is action.reaches):
            return ""
        return f"it is {node.raw_state or node.state} now: no {plan.name} any more"

    admission = await gate.admit(plan.deed, break_glass=break_glass, reason=reason)
    nodes = (target.node for target in plan.targets)
    return Execution(live, plan.name, nodes, do, refuses=refuses, limits=limits, admission=admission)


async def acted(live: LiveEstate, node: Node, action: Action, values: Mapping[str, str]) -> tuple[Status, str]:
    """Do an action to a node, unless it is so already; ok, unchanged or unknown, and what came of it.

    `values` holds at least what the action needs. Raises a SourceError.
    """
    source = live.able(node, Lifecycle)
    if source is None:
        raise unopened(live, node)
    if action.reaches is not None and node.state is action.reaches and action.name not in node.actions:
        return Status.UNCHANGED, f"it is {node.raw_state or node.state} already"
    wanted = {item.name: values[item.name] for item in action.parameters}
    asked = time.time()
    try:
        return Status.OK, await source.act(node, action.name, wanted) or "done"
    except OutcomeUnknown as error:
        return await looked_up(live, node, action, asked, str(error))


async def looked_up(live: LiveEstate, node: Node, action: Action, asked: float, lost: str) -> tuple[Status, str]:
    """What became of an act whose answer was lost: told by the node's state once its source has seen it again.

    It stays unknown where the state does not tell, or the source does not come back in time.
    """
    deadline = asyncio.get_running_loop().time() + LOOK_AGAIN
    while asyncio.get_running_loop().time() < deadline:
        now = live.fleet.get(node.id)
        if now is None:
            return Status.UNKNOWN, f"{lost}; the node is gone since"
        if now.observed_at > asked and not live.fleet.is_stale(now):
            if action.reaches is not None and now.state is action.reaches is not node.state:
                return Status.OK, f"{lost}; looked up: it is {now.state}"
            if action.reaches is None or now.state is not node.state:
                return Status.UNKNOWN, f"{lost}; looked up: it is {now.raw_state or now.state}"
        await asyncio.sleep(0.1)
    return Status.UNKNOWN, lost


def unopened(live: LiveEstate, node: Node) -> Unreachable:
    """Why a node's source cannot be asked for anything."""
    status = live.fleet.sources.get(node.source)
    why = status.error if status is not None and status.error else "the source is not open"
    return Unreachable(why, where=node.source)


def replaced(planned: Node, now: Node) -> str:
    """Whether another thing stands under the same id since: a container made anew, a pod of the same name."""
    if planned.created is None or now.created is None or abs(planned.created - now.created) <= SAME_MOMENT:
        return ""
    return "replaced by another of that name since the plan was made"


def all_ok(outcomes: Sequence[Outcome]) -> bool:
    """Whether every node is as it was to be."""
    return all(outcome.status in (Status.OK, Status.UNCHANGED) for outcome in outcomes)
