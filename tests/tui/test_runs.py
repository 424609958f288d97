"""Runs in the console: listed and watched whoever started them, and what can be done about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from calmtui.actions.outcome import Status
from calmtui.fleet.node import Node
from calmtui.governance import trail
from calmtui.governance.identity import Who
from calmtui.governance.record import Event as Recorded
from calmtui.providers.base import Command, Ended, Output, Piece
from calmtui.runbooks.board import TROUBLE
from calmtui.runbooks.journal import Event, Standing
from calmtui.runbooks.steps import commands
from calmtui.store import ledger
from calmtui.tui.app import CalmApp
from calmtui.tui.screens.run import RunScreen
from calmtui.tui.screens.runs import RunsScreen
from tests.tui.fleet_app import NOW, marked, press, said, type_text, until
from tests.tui.governed import person
from tests.tui.runs_app import DEPLOY, SMALL, STEPS, Runs, began, did, failed
from tests.tui.test_actions import shown
from tests.unit.actions.conftest import workshop_provider  # noqa: F401 -- a fixture
from tests.unit.runbooks.desk import fails_on


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workshop_provider: None) -> Runs:  # noqa: F811
    monkeypatch.setattr(RunScreen, "clock", lambda _: NOW)
    monkeypatch.setattr(RunsScreen, "clock", lambda _: NOW)
    for place in ("calmtui.tui.run_verbs.start", "calmtui.runbooks.worker.start"):
        monkeypatch.setattr(place, lambda journal: None)  # no worker: the test carries out
    return Runs(tmp_path, monkeypatch)


async def listed(app: CalmApp, pilot: Pilot[None], text: str) -> None:
    """The list, once a text is on it."""
    await press(pilot, "W")
    await until(pilot, lambda: isinstance(app.screen, RunsScreen) and text in shown(app), text)


async def watched(app: CalmApp, pilot: Pilot[None], text: str) -> None:
    """The run under the cursor of the list, once a text is on its screen."""
    await press(pilot, "enter")
    await until(pilot, lambda: isinstance(app.screen, RunScreen) and text in shown(app), text)


async def test_what_waits_comes_first_and_a_run_that_is_started_elsewhere_shows_by_itself(runs: Runs) -> None:
    runs.record(SMALL, Standing.FAILED, "62 ok, 2 failed", took=100, ago=4000)
    runs.record(DEPLOY, Standing.WAITING, "batch 1 waits for approval 1234 of 1 of sre", name="patch", who="hugo")
    async with runs.console() as (app, pilot):
        await listed(app, pilot, "1 waits for somebody")
        first, second = (line for line in shown(app).splitlines() if "of 64" in line)
        assert first.split()[1:6] == ["waiting", "patch", "0", "of", "64"]
        assert "hugo" in first
        assert "waits for approval 1234 of 1 of sre" in shown(app)
        assert second.split()[1:8] == ["failed", "deploy-web", "64", "of", "64", "✖", "2"]
        await app.notice.look()
        assert said(app).endswith("W: 1 run waits ▸")
        runs.failing()
        await until(pilot, lambda: "20 of 64" not in shown(app) and "18 of 64" in shown(app))
        await press(pilot, "/")
        await type_text(pilot, "hugo wait")
        await press(pilot, "enter")
        assert [run.runbook for run in app.screen.runs] == ["patch"]  # type: ignore[attr-defined]


async def test_a_run_shows_failures_first_then_what_is_under_way_and_folds_the_rest(runs: Runs) -> None:
    runs.failing()
    async with runs.console() as (app, pilot):
        await listed(app, pilot, "▶ running")
        await watched(app, pilot, "17 more ✔ ok")
        lines = shown(app).splitlines()
        assert "18 of 64 nodes · ✖ 1 failed · 6:12 of about 17:40" in lines[0]
        assert "earlier: 3 times, 18 min ± 1, 100% ok · 3 batches of 1, 16, 47, 4 at once" in lines[1]
        at = next(index for index, line in enumerate(lines) if "drain" in line)
        assert lines[at].split() == ["drain", "copy", "restart", "settle"]
        assert "exit 1: port 8080 in use" in lines[at + 1]
        assert lines[at + 1].split()[:6] == ["▌✖", runs.stage(19, 1)[0], "✔", "✔", "✖", "·"]
        assert lines[at + 2].endswith("restart 0:12" + " " * (len(lines[at + 2]) - len(lines[at + 2].rstrip())))
        assert [line.strip() for line in lines[at + 4 : at + 6]] == ["▸ 17 more ✔ ok", "▸ 44 more · not begun"]
        await press(pilot, "o")
        await until(pilot, lambda: "  starting" in shown(app))
        await press(pilot, "escape", "m")
        assert marked(app) == {runs.stage(19, 1)[0]}
        await press(pilot, "t")
        await until(pilot, lambda: app.screen is app.fleet_screen)
        assert "esc goes back to the run" in said(app)
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))


async def test_what_happens_meanwhile_is_shown_and_the_cursor_stays_on_its_node(runs: Runs) -> None:
    run = runs.record(SMALL, Standing.RUNNING, "", [*did("n1", 4), began("n2", "1")])
    async with runs.console() as (app, pilot):
        await listed(app, pilot, "▶ running")
        await watched(app, pilot, "1 of 64 nodes")
        assert isinstance(app.screen, RunScreen)
        assert app.screen.here == "lab:n2"
        runs.journal.append(run.id, [failed("n3", "1", "exit 7: no space")])
        await until(pilot, lambda: "exit 7: no space" in shown(app))
        assert app.screen.here == "lab:n3"  # nobody has moved the cursor: trouble comes first
        await press(pilot, "j")
        assert app.screen.here == "lab:n2"
        runs.journal.append(run.id, [failed("n4", "1", "exit 8")])
        await until(pilot, lambda: "exit 8" in shown(app))
        assert app.screen.here == "lab:n2"
        app.screen.nodes.move(app.screen.nodes.cursor - 1)
        app.screen.show()  # before the screen hears that the cursor has moved
        assert app.screen.here == "lab:n4"
        await press(pilot, "j")
        runs.journal.stands(run.id, Standing.FAILED, "1 ok, 2 failed")
        await until(pilot, lambda: "✖ failed" in shown(app).splitlines()[0])
        await press(pilot, "p")
        assert "it has ended: it is failed; r retries what failed, u does the rest" in said(app)


async def test_a_run_that_waits_for_approval_is_approved_from_its_screen(tmp_path: Path, runs: Runs) -> None:
    text = "steps:\n  - {name: look, run: a}\n  - {approve: {text: look at the first}}\n  - {name: go, run: b}\n"
    run = runs.journal.submit(msgspec.structs.replace(runs.plan(text), who=Who("hugo")))
    async with runs.engine as engine, runs.console() as (app, pilot):
        await engine.begin(run.workflow)
        await listed(app, pilot, "1 waits for somebody")
        await watched(app, pilot, "a approves, x rejects")
        await press(pilot, "x")
        await until(pilot, lambda: "Reject run" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "a rejection says why" in said(app))
        await press(pilot, "a")
        await until(pilot, lambda: "look at the first" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "✔ ok" in shown(app).splitlines()[0])
        (request,) = person(app.live.estate, "hugo").newest()
        assert [vote.who for vote in request.votes] == [app.gate.trail.who.name]


async def test_a_run_is_told_what_it_asks_for_on_its_screen(runs: Runs) -> None:
    text = "steps:\n  - {input: {name: build, text: 'Which build?', type: integer}}\n  - {run: 'deploy {{ build }}'}\n"
    run = runs.journal.submit(runs.plan(text))
    async with runs.engine as engine, runs.console() as (app, pilot):
        await engine.begin(run.workflow)
        await listed(app, pilot, "1 waits for somebody")
        await watched(app, pilot, "i answers")
        for answer, says in (("new", "build is a whole number"), ("7", "it was told build")):
            await press(pilot, "i")
            await until(pilot, lambda: "Which build?: build =" in shown(app))
            await type_text(pilot, answer)
            await press(pilot, "enter")
            await until(pilot, lambda text=says: text in said(app))  # type: ignore[misc]
        await until(pilot, lambda: "✔ ok" in shown(app).splitlines()[0])
        await press(pilot, "i")
        assert "it asks for nothing" in said(app)


async def test_verbs_are_typed_and_done_and_refused_with_the_reason(runs: Runs) -> None:
    run = runs.record(SMALL, Standing.FAILED, "62 ok, 2 failed", [failed("n2", "1", "exit 1")], took=9)
    async with runs.console() as (app, pilot):
        await listed(app, pilot, "failed")
        await watched(app, pilot, "exit 1")
        await press(pilot, "b")
        assert "deploy-web has no steps that take it back" in said(app)
        await press(pilot, "r")
        await type_text(pilot, "no")
        await press(pilot, "enter")
        await until(pilot, lambda: "that is not retry: nothing was done" in said(app))
        await press(pilot, "r")
        await type_text(pilot, "retry")
        await press(pilot, "enter")
        await until(pilot, lambda: "attempt 2" in shown(app))
        assert runs.journal.run(run.id).standing is Standing.SUBMITTED
        runs.journal.stands(run.id, Standing.RUNNING)
        await until(pilot, lambda: "▶ running" in shown(app).splitlines()[0])
        await press(pilot, "p")
        await until(pilot, lambda: runs.journal.run(run.id).wanted == "pause")
        await press(pilot, "c")
        await type_text(pilot, "abort")
        await press(pilot, "enter")
        await until(pilot, lambda: runs.journal.run(run.id).wanted == "cancel")
        recorded = trail.read(ledger.of(app.live.estate))
        told = [item.record.detail for item in recorded if item.record.event is Recorded.STEERED]
        assert told == [f"run {run.id}: {what}" for what in ("retry", "pause", "abort")]


async def test_the_last_line_offers_what_can_be_done_as_the_run_stands(runs: Runs) -> None:
    runs.failing()
    async with runs.console((120, 30)) as (app, pilot):
        await listed(app, pilot, "▶ running")
        await watched(app, pilot, "17 more ✔ ok")
        assert "o output  p pause  c abort  m mark failed" in said(app)
        run = runs.journal.runs()[0]
        runs.journal.stands(run.id, Standing.FAILED, "17 ok, 1 failed")
        await until(pilot, lambda: "o output  r retry  u the rest  m mark failed" in said(app))
    runs.record(SMALL, Standing.OK, "64 ok", took=100, ago=1, name="done")
    async with runs.console((120, 30)) as (app, pilot):
        await listed(app, pilot, "done")
        await watched(app, pilot, "done")
        await until(pilot, lambda: "o output  m mark failed" in said(app))


async def test_in_a_console_that_is_read_only_a_run_is_watched_and_nothing_else(runs: Runs) -> None:
    run = runs.failing()
    async with runs.console(read_only=True) as (app, pilot):
        await listed(app, pilot, "▶ running")
        await watched(app, pilot, "18 of 64 nodes")
        for key, verb in (("p", "pause"), ("c", "abort"), ("b", "roll-back"), ("r", "retry")):
            await press(pilot, key)
            assert said(app).startswith(f"{verb} is off: this console is read-only")
    assert runs.journal.run(run.id).wanted == ""


async def test_a_run_that_needs_somebody_is_told_on_every_screen_and_one_of_mine_that_fails(runs: Runs) -> None:
    async with runs.console() as (app, pilot):
        mine = runs.journal.submit(runs.plan(SMALL))
        await app.notice.look()
        assert "▸" not in said(app)
        runs.record(DEPLOY, Standing.WAITING, "batch 1 waits for approval 12 of 1 of sre")
        runs.journal.stands(mine.id, Standing.FAILED, "1 failed")
        await app.notice.look()
        await pilot.pause()
        assert said(app).endswith("W: 1 run waits, 1 run failed ▸")
        await press(pilot, "c")  # another screen
        await until(pilot, lambda: said(app).endswith("W: 1 run waits, 1 run failed ▸"))
        await listed(app, pilot, "1 waits for somebody")
        await app.notice.look()
        assert said(app).endswith("W: 1 run waits ▸")


async def test_ten_thousand_nodes_are_folded_and_keys_have_their_turn(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    workshop_provider: None,  # noqa: F811
) -> None:
    (tmp_path / "many").mkdir()
    runs = Runs(tmp_path / "many", monkeypatch, count=10_000)
    text = "on_failure: continue\n" + STEPS
    events: list[Event] = []
    for node in runs.nodes[:9_900]:
        events += did(node.name, 4)
    events += [failed("n9950", "2", "exit 3"), began("n9951", "1")]
    run = runs.record(text, Standing.RUNNING, "batch 1 of 1", events)
    async with runs.console() as (app, pilot):
        beats = 0
        await app.push_screen(RunScreen(runs.journal, run))
        while "9,900 more ✔ ok" not in shown(app):  # the loop goes on meanwhile
            await asyncio.sleep(0.01)
            beats += 1
        assert beats > 3
        assert isinstance(app.screen, RunScreen)
        assert app.screen.matrix is not None
        assert app.screen.matrix.count == 4  # a failure, one under way, two folds
        assert len([line for line in shown(app).splitlines() if "98 more · not begun" in line]) == 1
        runs.journal.append(run.id, [failed("n9951", "1", "exit 4")])
        await until(pilot, lambda: "exit 4" in shown(app))
        board = app.screen.board
        assert board is not None
        assert sum(len(board.standing[status]) for status in TROUBLE) == board.failed == 2
        assert sum(stage.counts.total() for stage in board.stages) == 10_000
        assert board.counts[Status.OK] == 9_900


@pytest.mark.parametrize(("size", "no_color"), [((120, 30), False), ((80, 24), True)])
def test_a_run_looks_as_it_did(
    runs: Runs,
    size: tuple[int, int],
    no_color: bool,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    runs.failing()

    async def open_it(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, CalmApp)
        await listed(pilot.app, pilot, "▶ running")
        await watched(pilot.app, pilot, "17 more ✔ ok")
        await press(pilot, "o")
        await until(pilot, lambda: "  starting" in shown(pilot.app))

    assert snap_compare(runs.app(), terminal_size=size, run_before=open_it)


def test_the_list_looks_as_it_did(runs: Runs, snap_compare: Callable[..., bool]) -> None:
    runs.failing()
    runs.record(DEPLOY, Standing.WAITING, "batch 1 waits for approval 1234 of 1 of sre: go?", name="patch", who="hugo")

    async def open_it(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, CalmApp)
        await listed(pilot.app, pilot, "18 of 64")
        await until(pilot, lambda: "1 run waits" in shown(pilot.app))

    assert snap_compare(runs.app(), terminal_size=(80, 24), run_before=open_it)


async def test_without_unicode_everything_is_drawn_in_ascii(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda _=True: "ascii")
    runs.failing()
    async with runs.console(size=(80, 24)) as (app, pilot):
        await listed(app, pilot, "running")
        await watched(app, pilot, "17 more + ok")
        body = "\n".join(shown(app).splitlines()[:-1])
        assert "(6:12 of about" in body or "6:12 of about 17:40" in body
        assert body.isascii(), [line for line in body.splitlines() if not line.isascii()]


async def test_a_retry_carried_out_elsewhere_is_watched_on(runs: Runs) -> None:
    """The board of the next attempt takes the place of the one before it."""
    runs.source.deed = fails_on("n2")
    text = "strategy: {rolling: {batches: [1, 100%], max_failed: 3}}\nsteps:\n  - {name: go, run: a}\n"
    run = await runs.run(text)
    assert run.standing is Standing.FAILED
    async with runs.console() as (app, pilot):
        await listed(app, pilot, "failed")
        await watched(app, pilot, "63 more ✔ ok")
        runs.source.deed = fails_on()
        await press(pilot, "r")
        await type_text(pilot, "retry")
        await press(pilot, "enter")
        await until(pilot, lambda: runs.journal.run(run.id).attempt == 2)
        await runs.carry(runs.journal.run(run.id))
        await until(pilot, lambda: "✔ ok · 64 of 64 nodes" in shown(app).splitlines()[0])


async def test_what_a_step_prints_is_seen_while_it_is_under_way_and_kept_to_its_end(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "SOON", 0.05)
    go = asyncio.Event()

    async def start(node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        yield Output(b"begins\n" + b"x" * 20_000 + b"\nfetched 1 of 2\n")
        await go.wait()
        yield Output(b"fetched 2 of 2\n")
        yield Ended(0)

    monkeypatch.setattr(runs.source, "start", start)
    run = runs.journal.submit(runs.plan("strategy: one at a time\nsteps:\n  - {name: copy, run: fetch}\n"))
    async with runs.engine as engine, runs.console() as (app, pilot):
        await engine.begin(run.workflow)
        await listed(app, pilot, "▶ running")
        await watched(app, pilot, "fetched 1 of 2")  # its last line stands in the row
        await press(pilot, "o")
        await until(pilot, lambda: "  fetched 1 of 2" in shown(app) and "cut: all 20" in shown(app))
        go.set()
        await until(pilot, lambda: "  fetched 2 of 2" in shown(app))
        assert "── copy  ✔ ok" in shown(app)
    (step,) = {event.detail for event in runs.journal.events(run.id) if event.status is Status.RUNNING and event.output}
    assert step == "running"  # the state before it, which whoever carries it on asks for
