"""Backends that fail in the middle of an action: outcomes are true beside the backend, and the trail holds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from calmtui.actions import execute
from calmtui.actions.execute import Execution, act
from calmtui.actions.gate import Gate
from calmtui.actions.limits import Limits
from calmtui.actions.outcome import Outcome, Status
from calmtui.actions.plan import make
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.governance import trail
from calmtui.governance.record import Event
from tests.conftest import Moto
from tests.integration.program import write_estate
from tests.integration.test_cli_act import Cloud
from tests.lab.aws_proxy import CUT, AwsProxy
from tests.lab.docker import DockerEngine

LABEL = "calmtui.test=faults"
STOPS = 50
"""Containers that are stopped while the engine dies."""


async def begun(live: LiveEstate, ids: list[str], limits: Limits) -> Execution:
    """Stopping those nodes, let through and yet to run."""
    nodes = [live.fleet.nodes[node_id] for node_id in ids]
    gate = Gate(live, read_only=False, through="command")
    return await act(gate, make("stop", nodes, live.actions(), is_stale=live.fleet.is_stale), limits)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def told(path: Path) -> dict[str, str]:
    """The outcomes by node, as the trail has them; it holds, and it has an end."""
    assert trail.verify(path).bad is None
    records = [item.record for item in trail.read(path)]
    assert [record.event for record in records if record.event in (Event.INTENT, Event.ENDED)] == ["intent", "ended"]
    return {record.nodes[0]: record.status for record in records if record.event is Event.OUTCOME}


async def test_an_answer_that_is_lost_is_looked_up_and_unknown_where_nothing_tells(
    moto: Moto, proxy: AwsProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = Cloud(moto.url, tmp_path)
    reached, lost = cloud.launch("reached"), cloud.launch("lost")
    source = f'{{provider: aws, regions: [eu-west-1], endpoint_url: "{proxy.url}"}}'
    ledger = tmp_path / "ledger.db"
    estate = write_estate(tmp_path, f"name: lab\nledger: {ledger}\nsources:\n  cloud: {source}\n")

    def cut(region: str, action: str) -> tuple[int, str, str] | None:
        """The first to be stopped is stopped, and neither answer comes."""
        if action != "StopInstances":
            return None
        cloud.ec2.stop_instances(InstanceIds=[reached])
        return CUT

    monkeypatch.setattr(execute, "LOOK_AGAIN", 10.0)
    async with LiveEstate(load_estate(estate)) as live:
        ids = [f"aws:cloud/eu-west-1/{instance}" for instance in (reached, lost)]
        await until(lambda: all(node_id in live.fleet.nodes for node_id in ids))
        execution = await begun(live, ids, Limits(parallel=1))
        proxy.rule = cut
        await execution.run()
    found = {node_id: outcome.status for node_id, outcome in execution.outcomes.items()}
    assert cloud.states() == {"reached": "stopped", "lost": "running"}
    assert found[ids[1]] is Status.UNKNOWN
    assert found[ids[0]] in (Status.OK, Status.UNKNOWN)  # unknown where the source was not asked again in time
    assert told(ledger) == {node_id: status.value for node_id, status in found.items()}


async def test_an_engine_that_is_killed_in_the_middle_leaves_true_outcomes(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"fault-{number:02}" for number in range(STOPS)]
    made: list[str] = []
    try:
        made += [docker_engine.run(name, "--label", LABEL, "--init") for name in names]
        found = json.loads(docker_engine.cli("inspect", *names))
        processes = {one["Name"].lstrip("/"): int(one["State"]["Pid"]) for one in found}
        ledger = tmp_path / "ledger.db"
        source = f"{{provider: docker, host: {docker_engine.host}}}"
        estate = write_estate(tmp_path, f"name: lab\nledger: {ledger}\nsources:\n  engine: {source}\n")
        monkeypatch.setattr(execute, "LOOK_AGAIN", 1.0)
        ended: list[Outcome] = []

        def note(outcome: Outcome) -> None:
            """The engine dies when half of them are stopped."""
            if outcome.status.final:
                ended.append(outcome)
                if len(ended) == STOPS // 2:
                    docker_engine.kill()

        async with LiveEstate(load_estate(estate)) as live:
            ids = [f"docker:engine/{name}" for name in names]
            await until(lambda: all(node_id in live.fleet.nodes for node_id in ids))
            execution = await begun(live, ids, Limits(parallel=4))
            execution.subscribe(note)
            await execution.run()
        for outcome in execution.outcomes.values():
            alive = Path(f"/proc/{processes[outcome.node.name]}").exists()
            if outcome.status is Status.OK:
                assert not alive, outcome
            elif outcome.status is not Status.UNKNOWN:  # it was not sent, and says why
                assert alive, outcome
                assert outcome.detail
        assert 0 < len(execution.having(Status.OK)) < STOPS
        assert told(ledger) == {node_id: outcome.status.value for node_id, outcome in execution.outcomes.items()}
    finally:
        docker_engine.start()
        left = docker_engine.cli("ps", "-aq", "--filter", f"label={LABEL}").split()
        if left:
            docker_engine.cli("rm", "-f", *left)
        end_shims(made)


def end_shims(containers: list[str]) -> None:
    """An engine that died forgets the shim of a container that it was just stopping."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            argv = process.read_bytes().decode().split("\0")
            if "containerd-shim" in argv[0] and set(argv) & set(containers):
                os.kill(int(process.parent.name), signal.SIGKILL)
