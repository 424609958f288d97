"""The tree stays true to the engine, through events, its death and its return."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.fleet.fleet import Fleet, worth_telling
from calmtui.fleet.source import Health
from calmtui.fleet.update import Change, ChangeKind
from calmtui.providers.docker import about
from calmtui.providers.docker import watch as watching
from calmtui.providers.gather import Gatherer
from tests.integration.docker_live import live, opened
from tests.lab.docker import DockerEngine

LABEL = "calmtui.test=watch"


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[DockerEngine]:
    yield docker_engine
    names = docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split()
    if names:
        docker_engine.cli("rm", "-f", *names)


def listed(engine: DockerEngine) -> set[str]:
    return set(engine.cli("ps", "-a", "--format", "{{.Names}}").split())


async def test_the_tree_is_what_docker_ps_lists(engine: DockerEngine) -> None:
    engine.run("see-up", "--label", LABEL, "--label", "app=web")
    engine.cli("create", "--name", "see-new", "--network", "none", "--label", LABEL, "lab:latest")
    async with live(engine.host) as lab:
        assert {node.name for node in lab.fleet if node.kind == "container"} == listed(engine)
        node = lab.node("see-up")
        assert (node.state, node.image, node.labels["app"]) == ("running", "lab:latest", "web")
        assert abs((node.created or 0) - time.time()) < 60
        assert lab.node("see-new").reason == "never started"
        status = lab.fleet.sources["engine"]
        assert status.health is Health.LIVE
        assert status.took_ms is not None


async def test_what_others_do_to_containers_is_seen_at_once(engine: DockerEngine) -> None:
    async with live(engine.host) as lab:
        engine.run("ev-one", "--label", LABEL)
        await lab.until(lambda: lab.find("ev-one") and lab.node("ev-one").state == "running", 3)
        engine.cli("pause", "ev-one")
        await lab.until(lambda: lab.node("ev-one").raw_state == "paused", 3)
        engine.cli("unpause", "ev-one")
        engine.cli("rename", "ev-one", "ev-two")
        await lab.until(lambda: lab.find("ev-one") is None and lab.find("ev-two"), 3)
        engine.cli("rm", "-f", "ev-two")
        await lab.until(lambda: lab.find("ev-two") is None, 3)


async def test_a_container_that_crashes_again_and_again_shows_its_restarts(engine: DockerEngine) -> None:
    engine.run("ev-loop", "--label", LABEL, "--restart", "always", command=("sh", "-c", "exit 3"))
    async with live(engine.host) as lab:
        node = await lab.until(
            lambda: (n := lab.node("ev-loop")).raw_state == "restarting" and (n.restarts or 0) > 1 and n
        )
        assert (node.state, node.reason) == ("failed", "restarting, exited 3")


async def test_a_console_that_starts_again_tells_no_change_where_there_was_none(engine: DockerEngine) -> None:
    once = "test -e /failed || { touch /failed; exit 3; }; exec sleep 600"
    engine.run("ev-once", "--label", LABEL, "--restart", "always", command=("sh", "-c", once))
    async with live(engine.host) as lab:
        await lab.until(lambda: (n := lab.node("ev-once")).state == "running" and n.restarts == 1)
    again, source = Fleet(), opened(Path("/"), host=engine.host)
    again.restore(lab.fleet, lab.fleet.sources.values())
    told: list[Change] = []
    again.subscribe(told.extend)
    async with Gatherer(again, [source]) as gatherer:
        assert await gatherer.settled(45)
        assert not again.is_stale(again.nodes["docker:engine/ev-once"])
    assert [change for change in told if worth_telling(change)] == []


async def test_failing_health_rises_with_what_the_probe_said(engine: DockerEngine) -> None:
    probe = ["--health-cmd", "test -f /tmp/well || { echo no database; false; }", "--health-interval", "0.3s"]
    engine.run("ev-sick", "--label", LABEL, *probe, "--health-retries", "1")
    async with live(engine.host) as lab:
        node = await lab.until(lambda: (n := lab.node("ev-sick")).state == "degraded" and n)
        assert node.reason == "unhealthy: no database"
        engine.cli("exec", "ev-sick", "touch", "/tmp/well")
        await lab.until(lambda: lab.node("ev-sick").state == "running")


async def test_running_out_of_memory_is_told_from_being_killed(engine: DockerEngine) -> None:
    hungry = ("sh", "-c", "x=a; while :; do x=$x$x; done")
    engine.run("ev-oom", "--label", LABEL, "-m", "8m", command=hungry)
    engine.run("ev-kill", "--label", LABEL)
    async with live(engine.host) as lab:
        engine.cli("kill", "ev-kill")
        node = await lab.until(lambda: (n := lab.node("ev-kill")).raw_state == "exited" and n)
        assert (node.state, node.reason) == ("stopped", "exited 137 (KILL)")
        node = await lab.until(lambda: (n := lab.node("ev-oom")).raw_state == "exited" and n, 30)
        if engine.cli("inspect", "--format", "{{.State.OOMKilled}}", "ev-oom") != "true":
            pytest.skip("this kernel does not tell the engine that memory ran out")
        assert (node.state, node.reason) == ("failed", "exited 137 (OOM)")


async def test_a_burst_of_events_is_looked_at_together(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    listings: list[int] = []
    listing = watching.listing

    async def counted(engine: object, ids: object = ()) -> object:
        listings.append(1)
        return await listing(engine, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(watching, "listing", counted)
    names = [f"ev-burst-{number}" for number in range(10)]
    for name in names:
        engine.cli("create", "--name", name, "--network", "none", "--label", LABEL, "lab:latest")
    async with live(engine.host) as lab:
        listings.clear()
        await asyncio.to_thread(engine.cli, "rm", *names)
        await lab.until(lambda: not any(map(lab.find, names)))
        assert len(listings) <= 5


async def test_nothing_is_told_of_a_quiet_engine(engine: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "RECONCILE", 0.2)
    engine.run("ev-quiet", "--label", LABEL)
    async with live(engine.host) as lab:
        told: list[Change] = []
        lab.fleet.subscribe(lambda changes: told.extend(filter(worth_telling, changes)))
        confirmed = lab.fleet.sources["engine"].confirmed_at or 0
        await lab.until(lambda: (lab.fleet.sources["engine"].confirmed_at or 0) > confirmed + 0.5)
        assert told == []


async def test_what_no_event_told_is_found_by_the_next_listing(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RECONCILE", 0.3)
    monkeypatch.setattr("calmtui.providers.docker.events.OF_INTEREST", ["update"])
    async with live(engine.host) as lab:
        engine.run("ev-unheard", "--label", LABEL)
        await lab.until(lambda: lab.find("ev-unheard"))
        engine.cli("rm", "-f", "ev-unheard")
        await lab.until(lambda: lab.find("ev-unheard") is None)


async def test_an_engine_that_dies_and_comes_back_leaves_no_ghost_and_no_double(engine: DockerEngine) -> None:
    for name in ("die-one", "die-two"):
        engine.run(name, "--label", LABEL, "--init")  # ends on TERM, for which a starting engine waits ten seconds
    engine.cli("create", "--name", "die-new", "--network", "none", "--label", LABEL, "lab:latest")
    async with live(engine.host) as lab:
        before = set(lab.fleet.nodes)
        engine.kill()
        status = await lab.until(lambda: (s := lab.fleet.sources["engine"]).health is Health.STALE and s)
        assert status.error
        assert status.retry_at is not None
        assert set(lab.fleet.nodes) == before
        assert all(map(lab.fleet.is_stale, lab.fleet))
        changes: list[Change] = []
        lab.fleet.subscribe(changes.extend)
        await asyncio.to_thread(engine.start)
        engine.cli("rm", "-f", "die-two")
        lab.gatherer.retry("engine")
        await lab.until(lambda: lab.fleet.sources["engine"].health is Health.LIVE)
        await lab.until(lambda: lab.find("die-two") is None)
        assert {node.name for node in lab.fleet if node.kind == "container"} == listed(engine)
        assert [change for change in changes if change.kind is ChangeKind.ADDED] == []
        engine.cli("start", "die-new")
        await lab.until(lambda: lab.node("die-new").state == "running")


async def test_an_engine_that_falls_silent_is_noticed(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay before the engine stops relaying without closing anything, as a broken VPN does."""
    monkeypatch.setattr(watching, "PING", 0.3)
    silent = asyncio.Event()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not silent.is_set() and (data := await reader.read(65536)):
            if not silent.is_set():
                writer.write(data)
        if not silent.is_set():
            writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(engine.socket)
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    server = await asyncio.start_unix_server(relay, tmp_path / "relay.sock")
    async with server, live(f"unix://{tmp_path}/relay.sock", timeout=0.5) as lab:
        assert lab.fleet.sources["engine"].health is Health.LIVE
        silent.set()
        status = await lab.until(lambda: (s := lab.fleet.sources["engine"]).health is Health.STALE and s)
        assert "no answer from" in status.error


async def test_an_engine_that_is_slow_to_say_what_it_is_stays_what_it_was(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RECONCILE", 0.2)
    monkeypatch.setattr(about, "PATIENCE", 0.2)
    slow = asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if slow.is_set() and b"/info" in head.partition(b"\r\n")[0]:
            await reader.read()
        else:
            far_reader, far_writer = await asyncio.open_unix_connection(engine.socket)
            far_writer.write(head)
            while data := await far_reader.read(65536):
                writer.write(data)
            far_writer.close()
        writer.close()

    def health() -> Health:
        return lab.fleet.sources["engine"].health

    server = await asyncio.start_unix_server(relay, tmp_path / "relay.sock")
    async with server, live(f"unix://{tmp_path}/relay.sock") as lab:
        known = await lab.until(lambda: (n := lab.fleet.nodes.get("docker:engine")) and n.image and n)
        slow.set()
        await lab.until(lambda: health() is Health.PARTIAL)
        now = lab.fleet.nodes["docker:engine"]
        assert (now.name, now.image, now.aliases, now.reason) == (known.name, known.image, known.aliases, "")
        slow.clear()
        monkeypatch.setattr(about, "PATIENCE", 30)
        await lab.until(lambda: health() is Health.LIVE)


async def test_an_engine_that_hides_its_events_is_listed_instead_and_says_so(
    engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WITHOUT_EVENTS", 0.3)

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/events" in head.partition(b"\r\n")[0]:
            writer.write(b"HTTP/1.0 403 Forbidden\r\nContent-Type: text/plain\r\n\r\nRequest forbidden by rules")
        else:
            far_reader, far_writer = await asyncio.open_unix_connection(engine.socket)
            far_writer.write(head)
            while data := await far_reader.read(65536):
                writer.write(data)
            far_writer.close()
        writer.close()

    server = await asyncio.start_unix_server(proxy, tmp_path / "proxy.sock")
    async with server, live(f"unix://{tmp_path}/proxy.sock") as lab:
        status = await lab.until(lambda: (s := lab.fleet.sources["engine"]).health is Health.PARTIAL and s)
        assert "forbidden by rules" in status.error
        assert not any(map(lab.fleet.is_stale, lab.fleet))
        engine.run("ev-hidden", "--label", LABEL)
        await lab.until(lambda: lab.find("ev-hidden"))
