"""After any storm the fleet equals what `docker inspect` says, through two deaths of the engine and a pause."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from docker import APIClient
from docker.errors import APIError

from calmtui.estate.live import LiveEstate
from calmtui.estate.model import Estate, SourceSpec
from calmtui.fleet.fleet import Fleet
from calmtui.fleet.source import Health
from calmtui.providers.docker.options import DockerOptions
from tests.integration.docker_live import until
from tests.integration.oracle import Truth, agrees, storm_of
from tests.lab.docker import DockerEngine

OPERATIONS = 510
RUNNING_AT_MOST = 8
"""Containers that run together: a process each, on a small machine."""
LABEL = "calmtui.test"
COMPOSE = "com.docker.compose"


# -- what Docker says ------------------------------------------------------------------


def truth(engine: DockerEngine) -> Truth:
    """The nodes that the engine and its containers should be, and their compose projects."""
    info = json.loads(engine.cli("info", "--format", "{{json .}}"))
    itself = {"name": info["Name"], "state": "running", "image": f"Docker {info['ServerVersion']}", "parent": None}
    ids = engine.cli("ps", "-aq", "--no-trunc").split()
    shown = engine.cli("inspect", *ids, check=False) if ids else ""  # one may have gone in between: then again
    containers = [_container(found) for found in json.loads(shown or "[]")]
    return {"docker:engine": itself, **dict(containers), **_projects([fields for _, fields in containers])}


def _container(found: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name, labels = found["Name"].removeprefix("/"), found["Config"]["Labels"] or {}
    project = labels.get(f"{COMPOSE}.project")
    state, reason = _state(found["State"])
    networks = (found["NetworkSettings"]["Networks"] or {}).values()
    fields = {
        "kind": "container",
        "name": name,
        "parent": f"docker:engine/compose/{project}" if project else None,
        "state": state,
        "raw_state": found["State"]["Status"],
        "reason": reason,
        "image": found["Config"]["Image"],
        "restarts": found["RestartCount"] or None,
        "addresses": tuple(network["IPAddress"] for network in networks if network["IPAddress"]),
    }
    if LABEL in labels:  # a kubelet's have line ends and secrets in them, which a fleet does not take as they are
        fields |= {"labels": labels, "service": labels.get(f"{COMPOSE}.service", "")}
    return f"docker:engine/{name}", fields


def _state(state: dict[str, Any]) -> tuple[str, str]:
    code, health = state["ExitCode"], (state.get("Health") or {}).get("Status")
    ended = f"exited {code}" + {137: " (KILL)", 143: " (TERM)"}.get(code, "")
    if state["Status"] == "running":
        if health == "unhealthy":
            return "degraded", "unhealthy: not well"
        return ("pending", "health check has not passed yet") if health == "starting" else ("running", "")
    if state["Status"] == "exited":
        return ("stopped" if code in (0, 137, 143) else "failed"), ended
    return {
        "created": ("stopped", "never started"),
        "paused": ("stopped", "paused"),
        "restarting": ("failed", f"restarting, {ended}"),
    }[state["Status"]]


def _projects(containers: list[dict[str, Any]]) -> Truth:
    projects: dict[str, list[dict[str, Any]]] = {}
    for fields in containers:
        if fields["parent"]:
            projects.setdefault(fields["parent"], []).append(fields)
    return {node_id: _project(node_id, members) for node_id, members in projects.items()}


def _project(node_id: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    states = {fields["state"] for fields in members}
    lively = next((state for state in ("pending", "running") if state in states), "stopped")
    state = states.pop() if len(states) == 1 else "degraded" if states & {"failed", "degraded"} else lively
    counts = Counter(fields["raw_state"] for fields in members)
    return {
        "kind": "project",
        "name": node_id.rpartition("/")[2],
        "parent": None,
        "state": state,
        "raw_state": ", ".join(f"{word}({count})" for word, count in sorted(counts.items())),
    }


# -- the storm -------------------------------------------------------------------------


class Storm:
    """Random operations on containers of an engine, of which it remembers the names alone."""

    def __init__(self, engine: DockerEngine, dice: random.Random) -> None:
        self.dice = dice
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """Operations that the engine did not do because of the container's state, such as pausing a stopped one."""
        self._names: list[str] = []
        self._number = 0
        self._engine = APIClient(engine.host, timeout=60)
        operations: dict[Callable[[], None], int] = {
            self.create: 28, self.start: 13, self.stop: 6, self.kill: 6, self.restart: 3, self.pause: 12,
            self.unpause: 12, self.rename: 14, self.remove: 18, self.turn_sick: 4,
        }  # fmt: skip
        self._operations, self._weights = list(operations), list(operations.values())

    def blow(self, count: int) -> None:
        """That many more operations, whether the engine did or refused them."""
        for _ in range(count):
            (operation,) = self.dice.choices(self._operations, self._weights)
            try:
                operation()
            except APIError:  # 409 and 500 alike: Docker has no order in that
                self.refused[operation.__name__] += 1
            else:
                self.done[operation.__name__] += 1

    def close(self) -> None:
        for found in self._engine.containers(all=True, filters={"label": LABEL}):
            self._engine.remove_container(found["Id"], force=True)
        self._engine.close()

    def create(self) -> None:
        name = self._new_name()
        command, settings = self.dice.choice(
            (
                ("sleep 2147483647", {}),
                ("sleep 2147483647", {}),
                ("exit 0", {}),
                ("exit 3", {}),
                ("sleep 0.3; exit 4", {"restart_policy": {"Name": "on-failure", "MaximumRetryCount": 2}}),
                ("exit 5", {"restart_policy": {"Name": "always"}}),
                ("touch /tmp/well; sleep 2147483647", {}),
            )
        )
        healthcheck = None
        if "well" in command:
            probe = "test -f /tmp/well || { echo not well; false; }"
            healthcheck = {"test": ["CMD-SHELL", probe], "interval": 4 * 10**8, "retries": 1}
        labels = {LABEL: "storm", "team": self.dice.choice(("shop", "pay"))}
        if self.dice.random() < 0.4:
            project, service = self.dice.choice(("red", "blue")), self.dice.choice(("web", "db"))
            labels |= {f"{COMPOSE}.project": project, f"{COMPOSE}.service": service}
        self._engine.create_container(
            "lab:latest", ["sh", "-c", command], name=name, labels=labels, healthcheck=healthcheck,
            stop_signal="SIGKILL",  # a shell that is process 1 ends on nothing less
            host_config=self._engine.create_host_config(network_mode="none", **settings),
        )  # fmt: skip
        self._names.append(name)

    def start(self) -> None:
        if len(self._engine.containers(quiet=True)) < RUNNING_AT_MOST:
            self._engine.start(self._any())
        else:
            self._engine.remove_container(self._running(), force=True)

    def stop(self) -> None:
        self._engine.stop(self._running(), timeout=1)

    def kill(self) -> None:
        self._engine.kill(self._running())

    def restart(self) -> None:
        self._engine.restart(self._running(), timeout=1)

    def pause(self) -> None:
        self._engine.pause(self._running())

    def unpause(self) -> None:
        paused = self._engine.containers(filters={"status": "paused", "label": LABEL})
        self._engine.unpause(self.dice.choice(paused)["Id"] if paused else self._any())

    def rename(self) -> None:
        old, new = self._any(), self._new_name()
        self._engine.rename(old, new)
        self._names[self._names.index(old)] = new

    def remove(self) -> None:
        name = self._any()
        self._engine.remove_container(name, force=True)
        self._names.remove(name)
        if self.dice.random() < 0.3:  # another one at once under the name of the one before
            host = self._engine.create_host_config(network_mode="none")
            self._engine.create_container("lab:latest", "true", name=name, labels={LABEL: "again"}, host_config=host)
            self._names.append(name)

    def turn_sick(self) -> None:
        name = self._running()
        command = self._engine.exec_create(name, ["rm", "-f", "/tmp/well"])
        self._engine.exec_start(command["Id"])

    def _new_name(self) -> str:
        self._number += 1
        return f"storm-{self._number:03}"

    def _any(self) -> str:
        if not self._names:
            self.create()
        return self.dice.choice(self._names)

    def _running(self) -> str:
        running = self._engine.containers(filters={"label": LABEL})
        return str(self.dice.choice(running)["Names"][0]).removeprefix("/") if running else self._any()


@pytest.fixture
def storm(docker_engine: DockerEngine) -> Iterator[Storm]:
    blowing = Storm(docker_engine, storm_of("docker"))
    yield blowing
    blowing.close()


async def test_after_a_storm_with_two_deaths_and_a_pause_the_fleet_is_what_docker_inspect_says(
    docker_engine: DockerEngine, storm: Storm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calmtui.providers.docker.watch.PING", 0.5)
    estate = Estate("oracle", (SourceSpec("engine", "docker", DockerOptions(host=docker_engine.host, timeout=2)),))

    def look() -> Truth:
        return truth(docker_engine)

    async with LiveEstate(estate) as live:
        await agrees(live.fleet, look, "engine")
        for _ in range(2):
            await asyncio.to_thread(storm.blow, OPERATIONS // 3)
            await agrees(live.fleet, look, "engine")
            await died_and_came_back(docker_engine, live.fleet)
            await agrees(live.fleet, look, "engine")
        await asyncio.to_thread(storm.blow, OPERATIONS // 3)
        await fell_silent_and_spoke_again(docker_engine, live.fleet)
        await agrees(live.fleet, look, "engine")
    assert sum(storm.done.values()) + sum(storm.refused.values()) >= 500
    print(f"done: {dict(storm.done)}, refused: {dict(storm.refused)}")


async def died_and_came_back(engine: DockerEngine, fleet: Fleet) -> None:
    """Killed; all that was known is kept, as stale, until it answers again."""
    engine.kill()
    known = set(fleet.nodes)
    await until(lambda: fleet.sources["engine"].health is Health.STALE)
    assert set(fleet.nodes) == known
    assert all(map(fleet.is_stale, fleet))
    await asyncio.to_thread(engine.start)


async def fell_silent_and_spoke_again(engine: DockerEngine, fleet: Fleet) -> None:
    """Stopped as by a network that swallows everything: no connection ends."""
    engine.signal(signal.SIGSTOP)
    try:
        await until(lambda: fleet.sources["engine"].health is Health.STALE)
        assert all(map(fleet.is_stale, fleet))
    finally:
        engine.signal(signal.SIGCONT)
