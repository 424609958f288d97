"""A service is started tier by tier, stopped the other way round, and no tier is begun before the one before is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.blueprints import lifecycle
from calmtui.blueprints.bind import Bound
from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.governance.identity import me
from calmtui.runbooks.journal import Standing
from calmtui.runbooks.plan import RunPlan
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.blueprints.estate import bound, who
from tests.unit.runbooks.desk import Desk, fails_on

TEXT = """
tiers:
  web: {query: "name=n3 or name=n4", needs: api, start: {run: up}, stop: {run: down}, restart: {run: again}, at_once: 1}
  api: {query: "name=n2", needs: db, start: {run: up}, stop: {run: down}, restart: {run: again}}
  db: {query: "name=n1", start: [{name: first, run: mount}, {run: up}], stop: {run: down}, restart: {run: again}}
  spare: {query: "name=n9", expect: {count: 0}}
environments:
  test: {query: "kind=thing"}
"""


class Bench(Desk):
    """A desk of four nodes that writes down on which nodes commands are run, in that order."""

    def __init__(self, folder: Path, *failing: str) -> None:
        self.ran: list[str] = []
        fails = fails_on(*failing)

        async def deed(node: Node) -> str:
            self.ran.append(node.name)
            return await fails(node)

        super().__init__(folder, deed)

    def of(self, blueprint: Bound, verb: str) -> RunPlan:
        found = who(blueprint, *self.nodes)
        return lifecycle.make(self.live.estate, blueprint, found, verb, self.live.actions(), who=me(), groups=())


@pytest.mark.parametrize(
    ("verb", "order"),
    [
        ("start", [["n1", "n1"], ["n2"], ["n3", "n4"]]),
        ("stop", [["n3", "n4"], ["n2"], ["n1"]]),
        ("restart", [["n1"], ["n2"], ["n3"], ["n4"]]),
    ],
)
async def test_tiers_are_begun_in_their_order(tmp_path: Path, verb: str, order: list[list[str]]) -> None:
    bench = Bench(tmp_path)
    run = await bench.carry(bench.journal.submit(bench.of(bound(tmp_path, TEXT), verb)))
    assert (run.standing, run.detail, run.runbook) == (Standing.OK, "4 ok", f"{verb} x")
    left = list(bench.ran)
    for names in order:
        assert sorted(left[: len(names)]) == names
        left = left[len(names) :]
    assert left == []


async def test_no_tier_is_begun_when_the_one_before_did_not_come_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "n2")
    run = await bench.carry(bench.journal.submit(bench.of(bound(tmp_path, TEXT), "start")))
    assert (run.standing, run.detail) == (Standing.FAILED, "1 ok, 1 failed, 2 skipped")
    assert bench.ran == ["n1", "n1", "n2"]


def test_the_plan_says_what_is_done_to_each_node_and_is_another_when_the_order_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    plan = bench.of(bound(tmp_path, TEXT), "start")
    wait = "wait until state=running for 0s, 5m at the most"
    assert plan.sentences == [f"run mount; run up; {wait}", *[f"run up; {wait}"] * 3]
    assert (plan.stages, plan.acts, plan.on_failure) == ((1, 1, 2), ("exec",), "stop")
    other = bench.of(bound(tmp_path, TEXT.replace("needs: db", "needs: []")), "start")
    assert other.hash != plan.hash


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("name=n2", "name=n3"), "lab:n3 is in the tiers api and web of x"),
        (TEXT.replace("name=n2", "name=n7"), "the tier api of x has no nodes in test"),
        (TEXT.replace("start: {run: up}", "start: {action: reboot}"), "tier api: none of the 1 targets knows"),
    ],
)
def test_what_could_do_harm_is_refused(tmp_path: Path, text: str, said: str) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(UsageError, match=said):
        bench.of(bound(tmp_path, text), "start")
