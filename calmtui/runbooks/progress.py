"""Progress: how every node and step of a run stands, from what its journal tells. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.journal import Event
from calmtui.runbooks.plan import RunPlan

BAD = frozenset({Status.FAILED, Status.UNKNOWN})
"""What counts as a failure of the node."""
PASSED = frozenset({Status.OK, Status.UNCHANGED, Status.SKIPPED})
"""A step after which the next one is done."""
_AGAIN = frozenset({Status.FAILED, Status.SKIPPED, Status.DENIED})
"""What a later attempt takes up again: it is known that it was not done, or that it failed."""
ANSWER = "answer "
"""What the steps begin with under which answers stand, before the name of what was asked for."""
ROLLBACK = "rollback-"
"""What the keys of the steps of a rollback begin with."""
_WORDS = frozenset(status.value for status in Status)


class Progress:
    """Takes in events in their order; `attempt` is the one under way."""

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt
        self.steps: dict[tuple[NodeId, str], Event] = {}
        """The last event of each step of each node; the key's step is empty for the node as a whole."""
        self._bad: dict[NodeId, set[str]] = {}
        """The keys of the steps that have failed, of the nodes that have any."""
        self._keys: dict[NodeId, dict[str, None]] = {}
        """The keys of the steps of each node, in the order in which they were first told of."""
        self.begun: dict[NodeId, None] = {}
        """The nodes on which anything was begun, in that order."""
        self.since: dict[NodeId, float] = {}
        """When the nodes were begun in this attempt, seconds since the epoch."""
        self.doubtful: set[NodeId] = set()
        """The nodes of which nobody knew what had become when the run was resumed: that it was, passes over them."""
        self.last = 0
        """The number of the last event."""

    def take(self, events: Iterable[Event]) -> None:
        """Take in what has happened since."""
        for event in events:
            self.last = max(self.last, event.seq)
            key = event.node, event.step
            if event.status is Status.QUEUED:
                self._forget(event.node, event.step)
                if not self.keys(event.node):
                    self.begun.pop(event.node, None)
                continue
            earlier = event.attempt < self._attempt
            if earlier and event.status in _AGAIN:
                self._forget(event.node, event.step)
                continue
            if earlier and event.status is Status.UNKNOWN:  # as if it had just been interrupted
                self.doubtful.add(event.node)
                self.steps[key] = msgspec.structs.replace(event, status=Status.RUNNING, detail="")
            else:
                self.steps[key] = event
            self._keys.setdefault(event.node, {})[event.step] = None
            self._mark(event.node, event.step, self.steps[key].status)
            if event.node and event.step and event.status is Status.RUNNING:
                self.begun.setdefault(event.node)
                if not earlier:
                    self.since.setdefault(event.node, event.at)

    def _forget(self, node: NodeId, step: str) -> None:
        """A step is to be done anew, as if it had never been begun."""
        self.steps.pop((node, step), None)
        self._keys.get(node, {}).pop(step, None)
        self._mark(node, step, Status.QUEUED)

    def _mark(self, node: NodeId, step: str, status: Status) -> None:
        """Keep account of the nodes that have failed."""
        if status in BAD and node and not step.startswith(ROLLBACK):
            self._bad.setdefault(node, set()).add(step)
        elif node in self._bad:
            self._bad[node].discard(step)
            if not self._bad[node]:
                del self._bad[node]

    def keys(self, node: NodeId) -> list[str]:
        """The keys of the steps of a node of which anything is known."""
        return [step for step in self._keys.get(node, ()) if step]

    def answers(self) -> dict[str, str]:
        """What people have told the run that it has asked for, by name."""
        return {key.removeprefix(ANSWER): self.steps["", key].detail for key in self.keys("") if key.startswith(ANSWER)}

    def step(self, node: NodeId, step: str) -> Event | None:
        """The last that is known of a step of a node."""
        return self.steps.get((node, step))

    def bad(self) -> set[NodeId]:
        """The nodes that have failed."""
        return set(self._bad)

    def failures(self) -> int:
        """How many nodes have failed in this attempt, as far as budgets count them."""
        return len(self._bad.keys() - self.doubtful)

    def left_out(self) -> set[NodeId]:
        """The nodes to which nothing is done: denied, gone, busy, or not begun any more."""
        return {node for (node, step), event in self.steps.items()
                if node and not step and event.status in (Status.SKIPPED, Status.DENIED)}  # fmt: skip

    def rolled_back(self, node: NodeId) -> bool:
        """Whether taking back what was done to a node was begun."""
        return any(step.startswith(ROLLBACK) for step in self.keys(node))

    def outcome(self, node: NodeId, steps: Iterable[str]) -> tuple[Status, str]:
        """How a node stands, with the reason; `steps` are the keys of the run's steps in their order."""
        whole = self.step(node, "")
        if whole is not None:
            return whole.status, whole.detail
        events = [self.step(node, key) for key in steps]
        for event in events:
            if event is not None and (event.status in BAD or event.status is Status.RUNNING):
                return event.status, event.detail
        if all(event is not None and event.status in PASSED for event in events):
            return Status.OK, ""
        return (Status.RUNNING if any(events) else Status.QUEUED), ""


def tally(outcomes: Iterable[Status]) -> str:
    """`6 ok, 1 failed`; in the order of `Status`."""
    counts = Counter(outcomes)
    return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])


def counted(told: str) -> Counter[Status]:
    """The counts that a `tally` tells, whatever stands behind a semicolon; none when the text is something else."""
    counts: Counter[Status] = Counter()
    for part in told.partition("; ")[0].split(", "):
        number, _, word = part.partition(" ")
        if not number.isdigit() or word not in _WORDS:
            return Counter()
        counts[Status(word)] += int(number)
    return counts


NAMED = 10
"""How many nodes are named that have not everything, for each reason."""


def completeness(plan: RunPlan, progress: Progress) -> str:
    """`8 of 8 nodes have it`, or which of them have not, and why."""
    without: dict[str, list[str]] = {}
    for node in plan.nodes:
        status, detail = progress.outcome(node.id, plan.keys_of(node.id))
        if progress.rolled_back(node.id):
            without.setdefault("rolled back", []).append(node.name)
        elif status is not Status.OK:
            without.setdefault(f"{status}: {detail}" if detail else status.value, []).append(node.name)
    have = len(plan.nodes) - sum(map(len, without.values()))
    said = [f"{', '.join(names[:NAMED])}{_more(names)} ({reason})" for reason, names in without.items()]
    return f"{have} of {len(plan.nodes)} nodes have it" + (f"; not: {'; '.join(said)}" if said else "")


def _more(names: list[str]) -> str:
    return f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
