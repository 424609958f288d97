"""The services of the estate beside their blueprints: read, compared and asked off the event loop, for the screens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from calmtui.actions.gate import Gate
from calmtui.blueprints import lifecycle, load, looks, watching
from calmtui.blueprints.bind import Bound, bind
from calmtui.blueprints.drift import Drift, Looks
from calmtui.blueprints.members import Members
from calmtui.errors import CalmError, UsageError
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError
from calmtui.fleet.node import Node
from calmtui.runbooks.plan import RunPlan

REST = 10
"""How many times as long as a comparison took nothing is compared again: keys have their turn in a large estate."""


@dataclass(frozen=True)
class Service:
    """A blueprint in one environment, and how it stands."""

    bound: Bound
    members: Members | None = None
    """None until it was compared."""
    drift: Drift | None = None
    looks: Looks | None = None
    """What its nodes said when they were asked; None: they were not."""
    looked_at: float = 0.0
    """When they were, seconds since the epoch."""
    trouble: str = ""
    """Why it cannot be compared."""

    @property
    def key(self) -> tuple[str, str]:
        """Names it: blueprint and environment."""
        return self.bound.blueprint, self.bound.environment

    @property
    def urgency(self) -> tuple[int, str, str]:
        """What is wrong sorts first, then what is not known, then the rest by name."""
        if self.drift is None:
            return (0 if self.trouble else 2, *self.key)
        return (0 if self.drift.wrong else 2 if self.drift.fine else 1, *self.key)


class Services:
    """All of them, the most urgent first."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.live = gate.live
        self.all: list[Service] = []
        self.problems: list[str] = []
        """What is wrong with files of blueprints."""
        self.read = False
        """Whether the files were read."""
        self._compared = -1
        """The fleet's generation that was compared last."""
        self._rests_until = 0.0
        """Of the clock that only goes forward."""
        self._busy = asyncio.Lock()

    def find(self, key: tuple[str, str]) -> Service | None:
        """The service of that name."""
        return next((service for service in self.all if service.key == key), None)

    def environments(self, blueprint: str) -> list[Service]:
        """A service in each of its environments, by name."""
        return sorted((one for one in self.all if one.bound.blueprint == blueprint), key=lambda one: one.key)

    async def look(self) -> bool:
        """Compare again what the fleet says now; whether anything was done."""
        async with self._busy:
            generation = self.live.fleet.generation
            if self.read and (generation == self._compared or time.monotonic() < self._rests_until):
                return False
            if not self.read:
                self.all, self.problems = await asyncio.to_thread(_read, self.live.estate)
                self.read = True
            began = time.monotonic()
            self.all = await asyncio.to_thread(self._compare, self.all, list(self.live.fleet.nodes.values()))
            self._rests_until = time.monotonic() + REST * (time.monotonic() - began)
            self._compared = generation
            return True

    async def ask(self, key: tuple[str, str]) -> None:
        """Ask the nodes of a service what only they can tell. Raises CalmError."""
        service = self.find(key)
        if service is None or service.members is None:
            return
        found = await looks.look(self.gate, service.bound, service.members)
        async with self._busy:
            now = time.time()
            kept = [replace(one, looks=found, looked_at=now) if one.key == key else one for one in self.all]
            self.all = await asyncio.to_thread(self._compare, kept, list(self.live.fleet.nodes.values()))

    async def plan(self, key: tuple[str, str], verb: str, reason: str, *, broken: bool) -> RunPlan:
        """The run that starts, stops or restarts a service as it is now. Raises CalmError."""
        service = self.find(key)
        if service is None:
            raise UsageError(f"there is no service {' in '.join(key)} any more")
        bound, known = service.bound, self.live.actions()

        def made() -> RunPlan:
            subject = self.gate.rulebook.subject
            members = watching.who(self.live, bound, list(self.live.fleet.nodes.values()))
            return lifecycle.make(
                self.live.estate, bound, members, verb, known, who=subject.who, groups=subject.groups, reason=reason,
                break_glass=broken,
            )  # fmt: skip

        return await asyncio.to_thread(made)

    def _compare(self, services: Sequence[Service], nodes: Sequence[Node]) -> list[Service]:
        return sorted((self._compared_with(one, nodes) for one in services), key=lambda one: one.urgency)

    def _compared_with(self, service: Service, nodes: Sequence[Node]) -> Service:
        try:
            members = watching.who(self.live, service.bound, nodes)
            drift = watching.drift(self.live, service.bound, members, service.looks)
        except CalmError as error:  # a query that names a group that is not there any more
            return replace(service, trouble=str(error), members=None, drift=None)
        return replace(service, trouble="", members=members, drift=drift)


def _read(estate: Estate) -> tuple[list[Service], list[str]]:
    found: list[Service] = []
    problems: list[str] = []
    for name in load.known(estate):
        try:
            blueprint = load.load(estate, name)
        except EstateError as error:
            problems += map(str, error.problems)
        else:
            found += [Service(bind(blueprint, environment)) for environment in blueprint.declared.environments]
    return found, problems
