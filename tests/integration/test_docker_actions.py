"""Every action on containers and projects, checked with Docker's own client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from calmtui.errors import NodeGone, SourceError
from tests.integration.docker_live import live
from tests.lab.docker import DockerEngine

LABEL = "calmtui.test=actions"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    yield docker_engine
    names = docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split()
    if names:
        docker_engine.cli("rm", "-f", *names)


def state(engine: DockerEngine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(engine.cli("inspect", "--format", "{{json .State}}", name))
    return found


def start(engine: DockerEngine, name: str, *args: str, command: tuple[str, ...] = ("sleep", "1000")) -> str:
    return engine.run(name, "--label", LABEL, "--init", *args, command=command)


async def test_a_container_is_stopped_and_started_again(engine: DockerEngine) -> None:
    start(engine, "act-stop")
    async with live(engine.host) as lab:
        assert await lab.source.act(lab.node("act-stop"), "stop", {}) == "exited 143"
        assert state(engine, "act-stop")["Status"] == "exited"
        node = await lab.until(lambda: (n := lab.node("act-stop")).state == "stopped" and n)
        assert (node.reason, node.actions) == ("exited 143 (TERM)", ("start", "remove"))
        assert await lab.source.act(node, "start", {}) == "running"
        assert state(engine, "act-stop")["Running"]
        await lab.until(lambda: lab.node("act-stop").state == "running")


async def test_a_container_is_restarted(engine: DockerEngine) -> None:
    start(engine, "act-restart")
    before = state(engine, "act-restart")["StartedAt"]
    async with live(engine.host) as lab:
        assert await lab.source.act(lab.node("act-restart"), "restart", {}) == "running"
    assert state(engine, "act-restart")["StartedAt"] > before


async def test_a_container_is_frozen_and_let_go_on(engine: DockerEngine) -> None:
    start(engine, "act-pause")
    async with live(engine.host) as lab:
        assert await lab.source.act(lab.node("act-pause"), "pause", {}) == "paused"
        assert state(engine, "act-pause")["Paused"]
        node = await lab.until(lambda: (n := lab.node("act-pause")).raw_state == "paused" and n)
        assert "exec" not in node.offers
        assert await lab.source.act(node, "unpause", {}) == "running"
        assert not state(engine, "act-pause")["Paused"]


@pytest.mark.parametrize("action", ["stop", "restart", "kill"])
async def test_what_is_offered_of_a_frozen_container_works(engine: DockerEngine, action: str) -> None:
    start(engine, "act-frozen", "--stop-timeout", "1")
    engine.cli("pause", "act-frozen")
    async with live(engine.host) as lab:
        await lab.source.act(lab.node("act-frozen"), action, {"signal": "KILL"} if action == "kill" else {})
    assert state(engine, "act-frozen")["Running"] is (action == "restart")


async def test_a_container_is_killed_or_sent_another_signal(engine: DockerEngine) -> None:
    start(engine, "act-kill", command=("sh", "-c", "trap 'echo again' HUP; echo set; while :; do sleep 0.05; done"))
    async with live(engine.host) as lab:
        await lab.until(lambda: "set" in engine.cli("logs", "act-kill"))
        node = lab.node("act-kill")
        assert await lab.source.act(node, "kill", {"signal": "HUP"}) == "running"
        await lab.until(lambda: "again" in engine.cli("logs", "act-kill"))
        await lab.source.act(node, "kill", {})
        await lab.until(lambda: not state(engine, "act-kill")["Running"])
        gone = await lab.until(lambda: (n := lab.node("act-kill")).state == "stopped" and n)
        assert gone.reason == "exited 137 (KILL)"


async def test_a_stopped_container_is_removed_and_leaves_the_tree(engine: DockerEngine) -> None:
    engine.cli("create", "--name", "act-remove", "--network", "none", "--label", LABEL, "lab:latest")
    async with live(engine.host) as lab:
        assert await lab.source.act(lab.node("act-remove"), "remove", {}) == "removed"
        assert "act-remove" not in engine.cli("ps", "-a", "--format", "{{.Names}}").split()
        await lab.until(lambda: lab.find("act-remove") is None)


async def test_a_running_container_is_not_removed_and_the_engine_says_why(engine: DockerEngine) -> None:
    start(engine, "act-running")
    async with live(engine.host) as lab:
        assert "remove" not in lab.node("act-running").actions
        with pytest.raises(SourceError, match=r"[Ss]top the container"):
            await lab.source.act(lab.node("act-running"), "remove", {})
    assert state(engine, "act-running")["Running"]


async def test_another_container_of_the_same_name_is_never_meant(engine: DockerEngine) -> None:
    start(engine, "act-twin")
    async with live(engine.host) as lab:
        old = lab.node("act-twin")
        engine.cli("rm", "-f", "act-twin")
        start(engine, "act-twin")
        with pytest.raises(NodeGone):
            await lab.source.act(old, "stop", {})
    assert state(engine, "act-twin")["Running"]


async def test_a_container_that_cannot_start_fails_with_the_engines_reason(engine: DockerEngine) -> None:
    engine.cli("create", "--name", "act-broken", "--network", "none", "--label", LABEL, "lab:latest", "/no/such")
    async with live(engine.host) as lab:
        with pytest.raises(SourceError, match="no such file"):
            await lab.source.act(lab.node("act-broken"), "start", {})
        node = await lab.until(lambda: (n := lab.node("act-broken")).state == "failed" and n)
        assert "no such file" in node.reason


def start_project(engine: DockerEngine) -> None:
    for service, needs in (("db", ""), ("cache", "db:service_started:false"), ("web", "db:x:false,cache:x:false")):
        labels = {
            "com.docker.compose.project": "actshop",
            "com.docker.compose.service": service,
            "com.docker.compose.depends_on": needs,
        }
        start(engine, f"actshop-{service}", *(f"--label={key}={value}" for key, value in labels.items()))


async def test_a_project_is_stopped_and_started_in_the_order_of_its_dependencies(engine: DockerEngine) -> None:
    start_project(engine)
    async with live(engine.host) as lab:
        project = lab.node("compose/actshop")
        assert (project.kind, project.state, project.raw_state) == ("project", "running", "running(3)")
        assert lab.fleet.children[project.id].keys() == {f"docker:engine/actshop-{s}" for s in ("db", "cache", "web")}
        assert await lab.source.act(project, "stop", {}) == "3 exited 143"
        ended = [state(engine, f"actshop-{service}") for service in ("web", "cache", "db")]
        assert [one["Running"] for one in ended] == [False] * 3
        assert [one["FinishedAt"] for one in ended] == sorted(one["FinishedAt"] for one in ended)
        project = await lab.until(lambda: (n := lab.node("compose/actshop")).state == "stopped" and n)
        assert project.actions == ("start",)
        assert await lab.source.act(project, "start", {}) == "3 running"
        started = [state(engine, f"actshop-{service}")["StartedAt"] for service in ("db", "cache", "web")]
        assert started == sorted(started)
        engine.cli("stop", "actshop-db")
        await lab.until(lambda: lab.node("compose/actshop").reason == "2 of 3 running")
        assert await lab.source.act(lab.node("compose/actshop"), "start", {}) == "2 unchanged, 1 running"


async def test_a_project_that_fails_in_part_says_which_and_touches_nothing_that_needs_it(engine: DockerEngine) -> None:
    start_project(engine)
    engine.cli("stop", "actshop-web", "actshop-cache", "actshop-db")
    engine.cli("rm", "actshop-db")
    labels = ["--label=com.docker.compose.project=actshop", "--label=com.docker.compose.service=db", "--label", LABEL]
    engine.cli("create", "--name", "actshop-db", "--network", "none", *labels, "lab:latest", "/no/such")
    async with live(engine.host) as lab:
        with pytest.raises(SourceError, match=r"1 of 3 failed: actshop-db: .*no such file"):
            await lab.source.act(lab.node("compose/actshop"), "start", {})
    assert not state(engine, "actshop-web")["Running"]
