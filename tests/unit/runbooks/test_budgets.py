"""Whatever fails: no more at once than may be, no more failures than the budget, enough of the others run, and what was
begun is rolled back in reverse. Whole runs, on the engine that remembers in memory.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calmtui.fleet.node import Node
from calmtui.runbooks import stage
from calmtui.runbooks.journal import Standing
from tests.unit.runbooks.desk import Desk, Shell

BEGINS = "steps:\n  - {name: one, run: a}\n  - {name: two, run: b}\n"
BACK = "on_failure: rollback\nrollback: [{run: back}]\n"


class Watch:
    """Does what is asked of nodes and holds each beginning against what may be."""

    def __init__(self, broken: dict[str, str], parallel: int, budget: int, least: int, count: int) -> None:
        """`broken`: by node, the command that fails there."""
        self.broken = broken
        self.begun: list[str] = []
        self.back: list[str] = []
        self.wrong: list[str] = []
        """What must not be; a failure of a command would be one of its node."""
        self._under_way: set[str] = set()
        self._failed: set[str] = set()
        self._parallel, self._budget, self._least, self._count = parallel, budget, least, count

    def _holds(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    async def __call__(self, target: Node, line: str) -> str:
        name = target.name
        if line == "a":
            self._holds(len(self._failed) <= self._budget, f"{name} after {len(self._failed)} failures")
            self.begun.append(name)
            self._under_way.add(name)
            self._holds(len(self._under_way) <= self._parallel, f"{len(self._under_way)} at once")
            others = self._count - len(self._failed | self._under_way)
            self._holds(others >= self._least, f"only {others} run beside {name}")
        elif line == "back":
            self._holds(not self._under_way, f"{name} is taken back while others are under way")
            self.back.append(name)
        for _ in range(len(name) % 3):
            await asyncio.sleep(0)
        fails = self.broken.get(name) == line
        if (line == "b" or fails) and name in self._under_way:
            self._under_way.discard(name)
            if fails:
                self._failed.add(name)
        return "1" if fails else "0"


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    from calmtui.actions import pace

    monkeypatch.setattr(stage, "LOOK", 0.01)
    monkeypatch.setattr(pace, "UNHEALTHY", 0.02)


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("kind", ["rolling", "canary"])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    broken=st.dictionaries(st.integers(1, 7).map("n{}".format), st.sampled_from("ab"), max_size=5),
    parallel=st.integers(1, 4),
    budget=st.integers(0, 4),
    least=st.integers(0, 7),
    first=st.integers(1, 3),
    gate_fails_on=st.none() | st.integers(1, 7),
)
async def test_budgets_hold_whatever_fails_and_rollback_is_the_reverse(
    tmp_path_factory: pytest.TempPathFactory, kind: str, broken: dict[str, str], parallel: int, budget: int,
    least: int, first: int, gate_fails_on: int | None,
) -> None:  # fmt: skip
    watch = Watch(broken, parallel, budget, least, 7)
    desk = Desk(tmp_path_factory.mktemp("run"), Shell(watch), count=7)
    common = f"parallel: {parallel}, max_failed: {budget}, min_healthy: {least}"
    if kind == "rolling":
        text = f"strategy: {{rolling: {{batches: [{first}, 100%], {common}}}}}\n"
    else:
        watch.broken = {**broken, f"n{gate_fails_on}": broken.get(f"n{gate_fails_on}", "gate")}
        gate = "{check: {command: gate}}"
        text = f"strategy: {{canary: {{stages: [{first}, 100%], gates: [{gate}], {common}}}}}\n"
    run = desk.journal.submit(desk.plan(text + BEGINS + BACK))
    carried = asyncio.create_task(desk.carry(run))
    await _answered(desk, carried)
    run = await carried
    assert watch.wrong == []
    assert run.standing.ended
    outcomes = [event for event in desk.journal.events(run.id) if event.node and event.status.final]
    assert {event.node for event in outcomes} == {node.id for node in desk.nodes}
    if run.standing is Standing.ROLLED_BACK:
        assert _in_groups(watch.back, parallel, first) == _in_groups(watch.begun[::-1], parallel, first)
    else:
        assert watch.back == []
    if kind == "canary" and gate_fails_on is not None and gate_fails_on <= first and f"n{gate_fails_on}" not in broken:
        assert len(watch.begun) <= first


async def _answered(desk: Desk, carried: asyncio.Task[object]) -> None:
    """End a run that asks about a gate without nodes."""
    while not carried.done():
        (run,) = desk.journal.runs()
        if run.standing is Standing.WAITING:
            desk.journal.want(run.id, "cancel")
            return
        await asyncio.wait([carried], timeout=0.05)


def _in_groups(names: list[str], parallel: int, first: int) -> list[set[str]]:
    """The names of each batch, the last first, in groups of as many as are taken back at once."""
    later, earlier = ([one for one in names if (int(one[1:]) > first) is is_later] for is_later in (True, False))
    groups = []
    for batch in (later, earlier):
        groups += [set(batch[start : start + parallel]) for start in range(0, len(batch), parallel)]
    return groups
