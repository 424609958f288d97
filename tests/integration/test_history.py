"""History on moto: what a console records is told on the command line, and the past is what boto3 said then."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from calmtui.errors import CalmError
from calmtui.estate import find
from calmtui.estate.live import LiveEstate
from calmtui.estate.load import load_estate
from calmtui.fleet.node import State
from calmtui.store import changes
from calmtui.store.keep import FleetKeeper
from calmtui.store.recorder import Recorder
from tests.conftest import Moto
from tests.integration.aws_live import IRELAND, ec2, instance, launch, until
from tests.integration.program import Ran, run, write_estate


def alarm(error: CalmError) -> None:
    raise AssertionError(str(error))


@pytest.fixture
def estate(moto: Moto, tmp_path: Path) -> Path:
    cloud = f'{{provider: aws, regions: [{IRELAND}], endpoint_url: "{moto.url}", poll_seconds: 5}}'
    return write_estate(tmp_path, f"name: lab\nsources:\n  cloud: {cloud}\n")


def ran(estate: Path, *args: str) -> Ran:
    return run("-i", str(estate), *args)


async def test_a_stopped_instance_is_a_change_and_before_it_the_past_has_it_running(moto: Moto, estate: Path) -> None:
    web, db = launch(moto, IRELAND, "web-1"), launch(moto, IRELAND, "db-1")
    key = find.key_of(estate)
    live = LiveEstate(load_estate(estate))
    async with FleetKeeper(live.fleet, key, alarm), Recorder(live.fleet, key, alarm) as recorder, live:
        assert await live.gatherer.settled(20)
        await until(lambda: changes.first_at(key))
        before = time.time()
        ec2(moto, IRELAND).stop_instances(InstanceIds=[web])
        await until(lambda: instance(live.fleet, web).state is State.STOPPED)
        await until(lambda: changes.load(key))
        assert recorder.changed_at.keys() == {instance(live.fleet, web).id}

    told = await asyncio.to_thread(ran, estate, "changes", "--json")
    assert told.status == 0
    last = told.json["changes"][-1]
    assert (last["node"], last["name"], last["source"]) == (f"aws:cloud/{IRELAND}/{web}", "web-1", "cloud")
    assert last["after"]["state"] == "stopped"
    assert last["at"] >= before
    assert not last["bad"]
    assert told.json["history_begins"]["cloud"] <= before

    lines = (await asyncio.to_thread(ran, estate, "changes", "name=web-1")).out
    assert "stopped" in lines
    assert (await asyncio.to_thread(ran, estate, "changes", "name=db-1")).out == ""

    then = await asyncio.to_thread(ran, estate, "ls", "kind=instance", "--json", "--at", _iso(before))
    assert then.status == 0
    assert {node["id"].rpartition("/")[2]: node["state"] for node in then.json["nodes"]} == {
        web: "running", db: "running",
    }  # fmt: skip
    now = await asyncio.to_thread(ran, estate, "ls", "state=stopped", "--json", "--at", _iso(time.time()))
    assert [node["name"] for node in now.json["nodes"]] == ["web-1"]

    changed = await asyncio.to_thread(ran, estate, "ls", "kind=instance and changed<1h", "--json")
    assert [node["name"] for node in changed.json["nodes"]] == ["web-1"]


async def test_a_moment_before_the_history_begins_says_so_and_is_no_success(moto: Moto, estate: Path) -> None:
    launch(moto, IRELAND, "web-1")
    key = find.key_of(estate)
    live = LiveEstate(load_estate(estate))
    async with FleetKeeper(live.fleet, key, alarm), Recorder(live.fleet, key, alarm), live:
        assert await live.gatherer.settled(20)
        await until(lambda: changes.first_at(key))
    told = await asyncio.to_thread(ran, estate, "ls", "--at", "2h")
    assert told.status == 1
    assert told.out == ""
    assert "the past: as it was at" in told.err
    assert "source cloud: nothing is known then: its history begins" in told.err


def test_an_estate_that_no_console_has_seen_has_no_past_and_a_wrong_time_is_a_wrong_use(estate: Path) -> None:
    told = ran(estate, "ls", "--at", "10m")
    assert told.status == 1
    assert "nothing was recorded of this estate yet" in told.err
    wrong = ran(estate, "ls", "--at", "yesterday")
    assert wrong.status == 2
    assert "--at" in wrong.err
    assert ran(estate, "ls", "kind=(", "--at", "10m").status == 2
    nothing = ran(estate, "changes", "--json")
    assert nothing.status == 0
    assert nothing.json == {"changes": [], "history_begins": {}}


def _iso(at: float) -> str:
    """The local time, to the microsecond, without a zone."""
    from datetime import datetime

    return datetime.fromtimestamp(at).isoformat()
