"""The board of a run: how every node stands, and how many where, kept up event by event. Pure.

What an event costs does not grow with the run, and neither does what a screen asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from calmtui.actions.outcome import Status
from calmtui.fleet.node import NodeId
from calmtui.runbooks.journal import Event
from calmtui.runbooks.plan import PlannedStep, RunPlan, title
from calmtui.runbooks.progress import Progress

TROUBLE = (Status.FAILED, Status.UNKNOWN, Status.DENIED)
"""How a node stands about which something is to be done."""


class Stage:
    """A batch of the plan, in numbers."""

    def __init__(self, number: int, size: int) -> None:
        self.number = number
        """From 1."""
        self.size = size
        self.counts: Counter[Status] = Counter({Status.QUEUED: size})
        """How many of its nodes stand where."""

    @property
    def ended(self) -> int:
        """How many of its nodes have come to their end."""
        return self.size - self.counts[Status.QUEUED] - self.counts[Status.RUNNING]


class Board:
    """One attempt of a run. Takes in events in their order."""

    def __init__(self, plan: RunPlan, attempt: int) -> None:
        self.plan = plan
        self.attempt = attempt
        self.progress = Progress(attempt)
        self.steps: tuple[PlannedStep, ...] = tuple(step for step in plan.steps if step.per_node)
        """What is done on each node, in this order."""
        whole = (*plan.steps, *plan.rollback, *plan.gates)
        self.titles = {part.key: title(part) for step in whole for part in (step, *step.parts)}
        """What each step is called, by its key."""
        self.stages = [Stage(number, size) for number, size in enumerate(plan.stages, 1)]
        self.current = 0
        """Index of the first stage that has not come to its end; as many as there are stages when all have."""
        self.counts: Counter[Status] = Counter({Status.QUEUED: len(plan.nodes)})
        """How many nodes stand where."""
        self.standing: dict[Status, dict[NodeId, None]] = {status: {} for status in Status}
        """The nodes by how they stand, in the order in which they came to it."""
        self.standing[Status.QUEUED] = dict.fromkeys(node.id for node in plan.nodes)
        self.status: dict[NodeId, Status] = {}
        """How nodes stand, of those of which anything has been heard."""
        self.once: dict[str, Event] = {}
        """The last event of each thing that is done once, by its key."""
        self.rolling_back = False
        """Whether anything was rolled back."""
        self._began: dict[tuple[NodeId, str], float] = {}
        self._took: dict[tuple[NodeId, str], float] = {}
        everywhere = [step.key for step in self.steps]
        alike = not any(step.stages for step in self.steps)
        self._keys = [everywhere if alike else [step.key for step in plan.steps_in(stage) if step.per_node]
                      for stage in range(len(plan.stages))]  # fmt: skip
        """Of the steps that are done on each node of a stage."""
        self._back = {step.key for step in plan.rollback}
        self._stage = {node.id: stage for stage, part in zip(self.stages, plan.batches, strict=True) for node in part}

    @property
    def last(self) -> int:
        """The number of the last event that was taken in."""
        return self.progress.last

    @property
    def ended(self) -> int:
        """How many nodes have come to their end."""
        return len(self._stage) - self.counts[Status.QUEUED] - self.counts[Status.RUNNING]

    @property
    def failed(self) -> int:
        """How many nodes have failed, or it is not known what has become of them."""
        return sum(self.counts[status] for status in TROUBLE)

    def take(self, events: Iterable[Event]) -> None:
        """Take in what has happened since."""
        for event in events:
            self.progress.take((event,))
            if not event.node:
                self._take_once(event)
            elif event.node in self._stage:
                self._time(event)
                self.rolling_back = self.rolling_back or event.step in self._back
                self._move(event.node)

    def step(self, node: NodeId, step: str) -> Event | None:
        """The last that is known of a step of a node."""
        return self.progress.step(node, step)

    def began(self, node: NodeId, step: str) -> float | None:
        """When a step was begun that is under way; seconds since the epoch."""
        return self._began.get((node, step))

    def took(self, node: NodeId, step: str) -> float | None:
        """Seconds that a step took which has ended."""
        return self._took.get((node, step))

    def outcome(self, node: NodeId) -> tuple[Status, str]:
        """How a node stands, with the reason."""
        return self.progress.outcome(node, self._keys[self._stage[node].number - 1])

    def told(self, node: NodeId) -> list[tuple[str, Event]]:
        """What is known of each step of a node, by its title, in their order; the last is what was said of it whole."""
        keys = [part.key for step in (*self.steps, *self.plan.rollback) for part in (*step.parts, step)]
        found = [(self.titles[key], event) for key in keys if (event := self.step(node, key)) is not None]
        whole = self.step(node, "")
        return [*found, ("as a whole", whole)] if whole is not None else found

    def _take_once(self, event: Event) -> None:
        """One of an earlier attempt is kept only while the progress keeps it."""
        known = self.progress.step("", event.step)
        if known is None:
            self.once.pop(event.step, None)
        else:
            self.once[event.step] = known

    def _time(self, event: Event) -> None:
        key = event.node, event.step
        if event.status is Status.RUNNING:
            self._began.setdefault(key, event.at)
        elif (began := self._began.pop(key, None)) is not None:
            self._took[key] = event.at - began

    def _move(self, node: NodeId) -> None:
        """Have the counts follow how a node stands now."""
        before = self.status.get(node, Status.QUEUED)
        now = self.outcome(node)[0]
        if now is Status.RUNNING and node not in self.progress.since:  # an earlier attempt has left it half done
            now = Status.QUEUED
        if now is before:
            return
        self.status[node] = now
        stage = self._stage[node]
        for counts in (self.counts, stage.counts):
            counts[before] -= 1
            counts[now] += 1
        self.standing[before].pop(node, None)
        self.standing[now][node] = None
        while self.current < len(self.stages) and self.stages[self.current].ended == self.stages[self.current].size:
            self.current += 1
