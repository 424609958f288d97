"""What people do about a run that has ended: resumed, retried, continued from a step, it does what they mean, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.runbooks import again
from calmtui.runbooks.journal import Run, Standing
from tests.unit.runbooks.desk import Desk, rolling

TWO = "steps:\n  - {name: one, run: a}\n  - {name: two, run: b}\n"


class Bench(Desk):
    """A desk that knows on which nodes commands were run, and of which they fail."""

    def __init__(self, folder: Path, *broken: str, count: int = 4) -> None:
        self.ran: list[str] = []
        self.broken = set(broken)

        async def deed(target: Node) -> str:
            self.ran.append(target.name)
            return "1 broken" if target.name in self.broken else "0"

        super().__init__(folder, deed, count)

    def mended(self) -> None:
        """From now on nothing fails, and what was run is forgotten."""
        self.broken.clear()
        self.ran.clear()


async def _failed(bench: Bench, text: str = TWO) -> Run:
    return await bench.run(rolling("batches: [2]", "parallel: 1") + text)


async def test_resumed_it_does_what_failed_and_what_was_not_begun(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "n2")
    run = await _failed(bench)
    bench.mended()
    run = await bench.carry(again.resume(bench.journal, run, "ann"))
    assert (run.standing, run.attempt, run.detail) == (Standing.OK, 2, "4 ok")
    assert bench.ran == ["n2", "n2", "n3", "n3", "n4", "n4"]
    assert "resume, by ann" in {event.detail for event in bench.journal.events(run.id)}


async def test_retried_it_leaves_alone_what_had_not_failed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "n2")
    run = await _failed(bench)
    bench.mended()
    run = await bench.carry(again.retry(bench.journal, run))
    assert (run.standing, run.detail) == (Standing.FAILED, "2 ok, 2 skipped")
    assert bench.ran == ["n2", "n2"]
    with pytest.raises(UsageError, match="no node of run"):
        again.retry(bench.journal, run)


async def test_from_a_step_what_comes_before_it_counts_as_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "n2")
    run = await _failed(bench)
    bench.mended()
    with pytest.raises(UsageError, match="no step 'three'"):
        again.resume(bench.journal, run, start="three")
    run = await bench.carry(again.resume(bench.journal, run, start="two"))
    assert (run.standing, run.detail) == (Standing.OK, "4 ok")
    assert bench.ran == ["n2", "n3", "n4"]


async def test_from_a_step_that_was_done_already_it_is_done_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = await bench.run("steps:\n  - {run: a}\n  - {check: {query: name=n1}}\non_failure: continue\n")
    assert run.detail == "1 ok, 3 failed"
    bench.mended()
    run = await bench.carry(again.retry(bench.journal, run, start="1"))
    assert sorted(bench.ran) == ["n2", "n3", "n4"]


async def test_what_was_rolled_back_is_done_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "n2")
    run = await _failed(bench, TWO + "on_failure: rollback\nrollback: [{check: {query: kind=thing}}]\n")
    assert run.standing is Standing.ROLLED_BACK
    bench.mended()
    run = await bench.carry(again.resume(bench.journal, run))
    assert (run.standing, run.detail) == (Standing.OK, "4 ok")
    assert bench.ran.count("n1") == 2


async def test_what_has_ended_well_or_goes_on_is_left_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = await bench.run(TWO)
    for verb in (again.resume, again.retry):
        with pytest.raises(UsageError, match="is ok"):
            verb(bench.journal, run)
    with pytest.raises(UsageError, match="no steps that take it back"):
        again.roll_back(bench.journal, run)
    with pytest.raises(UsageError, match="has ended"):
        bench.journal.want(run.id, "pause")
    new = bench.journal.submit(bench.plan(TWO))
    with pytest.raises(UsageError, match="not paused"):
        again.resume(bench.journal, new)
    assert bench.journal.want(new.id, "cancel").standing is Standing.CANCELLED
