"""`jenkins` steps against a server that speaks Jenkins' API: one build, whatever happens to us on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from calmtui.actions.outcome import Status
from calmtui.runbooks.journal import Event, Run, Standing
from tests.lab.jenkins import Jenkins
from tests.unit.runbooks.desk import Desk, fails_on

HEAD = "parameters: {token: {type: secret, env: CI_TOKEN}, version: {default: '1.2'}}\n"
JOB = (
    "jenkins: {url: 'URL', job: shop/deploy, user: deployer, token: '{{ token }}', "
    "parameters: {VERSION: '{{ version }}', TOKEN: '{{ token }}'}MORE}"
)


@pytest.fixture
def jenkins() -> Iterator[Jenkins]:
    with Jenkins() as server:
        yield server


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("CI_TOKEN", "s3cret")
    monkeypatch.setattr("calmtui.runbooks.steps.jenkins.LOOK", 0.05)
    monkeypatch.setattr("calmtui.runbooks.steps.jenkins_api.PAUSE", 0.05)
    return Desk(tmp_path, fails_on(), count=2)


def steps(jenkins: Jenkins, more: str = "", job: str = JOB) -> str:
    return HEAD + "steps:\n  - {" + job.replace("URL", jenkins.url).replace("MORE", more) + "}\n  - {run: a}\n"


def told(desk: Desk, run: Run, step: str = "batch 1: 1", node: str = "") -> list[Event]:
    return [event for event in desk.journal.events(run.id) if (event.node, event.step) == (node, step)]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_job_is_started_once_followed_and_its_output_is_seen(desk: Desk, jenkins: Jenkins) -> None:
    plan = desk.plan(steps(jenkins))
    assert plan.sentences[0] == f"build shop/deploy on {jenkins.url} VERSION=1.2 TOKEN=••••••; run a"
    run = await desk.carry(desk.journal.submit(plan))
    assert run.standing is Standing.OK
    assert [build.parameters for build in jenkins.builds] == [{"VERSION": "1.2", "TOKEN": "s3cret"}]
    events = told(desk, run)
    assert events[1].detail == f"queued: {jenkins.url}/queue/item/1/"
    assert (events[-1].status, events[-1].detail) == (Status.OK, f"SUCCESS: {jenkins.url}/job/shop/job/deploy/41/")
    assert events[-1].output.splitlines()[1:] == ["version 1.2", "token ••••••", "Finished: SUCCESS"]
    assert b"s3cret" not in b"".join(file.read_bytes() for file in desk.folder.iterdir() if file.is_file())


@pytest.mark.parametrize(
    ("result", "more", "standing"),
    [
        ("FAILURE", "", Standing.FAILED),
        ("UNSTABLE", "", Standing.FAILED),
        ("UNSTABLE", ", accept: [SUCCESS, UNSTABLE]", Standing.OK),
    ],
)
async def test_its_result_is_the_outcome(
    desk: Desk, jenkins: Jenkins, result: str, more: str, standing: Standing
) -> None:
    jenkins.result = result
    run = await desk.run(steps(jenkins, more))
    assert run.standing is standing
    assert told(desk, run)[-1].detail.startswith(result)


async def test_whoever_carries_it_on_follows_the_same_build_through_errors_and_a_queue_that_forgets(
    desk: Desk, jenkins: Jenkins
) -> None:
    jenkins.go.clear()
    run = desk.journal.submit(desk.plan(steps(jenkins)))
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await until(lambda: any(event.detail.startswith("queued") for event in told(desk, run)))
    jenkins.forgets, jenkins.errors = True, 2
    jenkins.quiet = 0.0
    async with desk.engine as engine:
        assert await engine.begin(run.workflow)
        await until(lambda: any("version 1.2" in event.output for event in told(desk, run)))
    jenkins.go.set()
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await engine.ended(run.workflow)
    assert desk.journal.run(run.id).standing is Standing.OK
    assert len(jenkins.builds) == 1
    assert told(desk, run)[-1].output.splitlines()[-1] == "Finished: SUCCESS"


async def test_what_may_have_been_started_is_unknown(desk: Desk, jenkins: Jenkins) -> None:
    run = desk.journal.submit(desk.plan(steps(jenkins)))
    desk.journal.append(run.id, [Event("", "batch 1: 1", Status.RUNNING, at=1.0, attempt=1)])  # and died there
    run = await desk.carry(run)
    assert (run.standing, jenkins.builds) == (Standing.FAILED, [])
    assert told(desk, run)[-1].status is Status.UNKNOWN
    assert "it may have been started" in told(desk, run)[-1].detail


@pytest.mark.parametrize("quiet", [0.0, 60.0])
async def test_a_run_that_is_cancelled_stops_the_build_or_takes_it_out_of_the_queue(
    desk: Desk, jenkins: Jenkins, quiet: float
) -> None:
    jenkins.go.clear()
    jenkins.quiet = quiet
    run = desk.journal.submit(desk.plan(steps(jenkins)))
    async with desk.engine as engine:
        await engine.begin(run.workflow)
        await until(
            lambda: any(event.detail.startswith("queued" if quiet else "building") for event in told(desk, run))
        )
        desk.journal.want(run.id, "cancel")
        await engine.ended(run.workflow)
    assert desk.journal.run(run.id).standing is Standing.CANCELLED
    (build,) = jenkins.builds
    assert (build.cancelled, build.result) == ((True, None) if quiet else (False, "ABORTED"))
    last = told(desk, run)[-1]
    assert (last.status, last.detail.split(":")[0]) == (Status.FAILED, "cancelled")


async def test_each_node_has_a_build_of_its_own_and_one_that_takes_too_long_is_stopped(
    desk: Desk, jenkins: Jenkins
) -> None:
    jenkins.go.clear()
    jenkins.quiet = 0.0
    job = JOB.replace("{{ version }}", "{{ node.name }}")
    run = await desk.run(steps(jenkins, ", each: true, timeout: 1s", job))
    assert {build.parameters["VERSION"] for build in jenkins.builds} == {"n1", "n2"}
    assert {build.result for build in jenkins.builds} == {"ABORTED"}
    last = told(desk, run, "1", "lab:n1")[-1]
    assert (last.status, last.detail.split(":")[0]) == (Status.FAILED, "not done within 1s")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("shop/deploy", "shop/deplyo"), "there is no such job"),
        (("'{{ token }}', ", "wrong, "), "Jenkins refuses it (status 401)"),
        (
            ("parameters: {VERSION: '{{ version }}', TOKEN: '{{ token }}'}", "parameters: {}"),
            "Jenkins takes no such build",
        ),
    ],
)
async def test_what_jenkins_refuses_is_said(desk: Desk, jenkins: Jenkins, change: tuple[str, str], says: str) -> None:
    run = await desk.run(steps(jenkins, job=JOB.replace(*change)))
    assert (run.standing, jenkins.builds) == (Standing.FAILED, [])
    assert says in told(desk, run)[-1].detail
