"""Two accounts of one machine and one ledger: one asks, the other approves, and nothing else opens the gate."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import Moto
from tests.integration.people import People, Person
from tests.integration.test_cli_act import Cloud

POLICIES = """
@id("everybody") permit (principal, action, resource);
@id("four-eyes") @approvals("1") @approvers("sre") @expires("4h")
forbid (principal, action in Action::"act", resource) when { resource.production };
@id("quick") @approvals("1") @expires("1s")
forbid (principal, action == Action::"reboot", resource) when { resource.env == "staging" };
"""


class Shop:
    """An estate that two people look after, on moto's EC2."""

    def __init__(self, cloud: Cloud, people: People) -> None:
        self.cloud = cloud
        self.web_1 = cloud.launch("web-1", "production")
        cloud.launch("web-2", "production")
        cloud.launch("test-1", "staging")
        self.ledger = people.folder / "ledger.db"
        self.anna, self.hugo = people.add("anna"), people.add("hugo")
        folder = Path(cloud.estate).parent
        (folder / "policies").mkdir()
        (folder / "policies" / "team.cedar").write_text(POLICIES)
        with Path(cloud.estate).open("a") as file:
            file.write(f"ledger: {self.ledger}\nteams: {{sre: [{self.hugo.name}, {self.anna.name}]}}\n")

    def run(self, person: Person, *args: str) -> tuple[int, str, str]:
        """The exit status, stdout and stderr of what a person ran."""
        ran = person.run("-i", self.cloud.estate, *args)
        return ran.status, ran.out, ran.err

    def asked(self, *args: str) -> str:
        """The id of what anna asked for."""
        status, out, err = self.run(self.anna, "act", *args, "--ask-approval", "--reason", "the disk is full", "--json")
        assert status == 0, err
        return str(json.loads(out)["id"])


@pytest.fixture
def shop(moto: Moto) -> Iterator[Shop]:
    with TemporaryDirectory() as name:  # pytest's own folders are shut to other accounts
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "estate").mkdir(mode=0o755)
        cloud = Cloud(moto.url, folder / "estate")
        with People(folder / "ledger") as people:
            yield Shop(cloud, people)


def test_one_asks_the_other_approves_and_the_trail_names_both(shop: Shop) -> None:
    stop = ("stop", "web-1")
    status, _, err = shop.run(shop.anna, "act", *stop, "--yes")
    assert (status, "needs the approval of 1 person of sre" in err) == (3, True)
    request = shop.asked(*stop)
    status, _, err = shop.run(shop.anna, "approve", request)
    assert (status, "nobody approves their own plan" in err) == (3, True), err
    status, out, _ = shop.run(shop.hugo, "approvals", request)
    assert status == 0
    assert all(text in out for text in ("the disk is full", shop.anna.name, "web-1", "stop the instance"))
    status, out, err = shop.run(shop.hugo, "approve", request, "--reason", "seen")
    assert status == 0, err
    for person, other in ((shop.anna, ("stop", "web-2")), (shop.anna, ("stop", "web")), (shop.hugo, stop)):
        status, _, err = shop.run(person, "act", *other, "--yes")
        assert status == 3, f"another plan, or another's: {person.name} {other}: {err}"
    assert set(shop.cloud.states().values()) == {"running"}
    status, out, err = shop.run(shop.anna, "act", *stop, "--yes")
    assert status == 0, err
    assert shop.cloud.states() == {"web-1": "stopped", "web-2": "running", "test-1": "running"}
    shop.cloud.ec2.start_instances(InstanceIds=[shop.web_1])
    assert shop.run(shop.anna, "act", *stop, "--yes")[0] == 3  # an approval is spent once
    status, out, err = shop.run(shop.hugo, "audit", "--json")
    assert status == 0, err
    records = [json.loads(line)["record"] for line in out.splitlines()]
    named = [(record["event"], record["who"]["user"]) for record in records]
    for event, person in (("asked", shop.anna), ("denied", shop.anna), ("approved", shop.hugo), ("outcome", shop.anna)):
        assert (event, person.name) in named
    for person in (shop.anna, shop.hugo):
        status, out, err = shop.run(person, "audit", "verify")
        assert (status, f"all {len(records)} records hold" in out) == (0, True), err


def test_a_rejected_a_withdrawn_and_an_expired_request_open_nothing(shop: Shop) -> None:
    rejected = shop.asked("stop", "web-1")
    assert shop.run(shop.hugo, "reject", rejected, "--reason", "not now")[0] == 0
    withdrawn = shop.asked("stop", "web-2")
    assert shop.run(shop.hugo, "withdraw", withdrawn)[0] == 3
    assert shop.run(shop.hugo, "approve", withdrawn)[0] == 0
    assert shop.run(shop.anna, "withdraw", withdrawn)[0] == 0
    expired = shop.asked("reboot", "test-1")
    with sqlite3.connect(shop.ledger) as ledger:  # as if a second had gone by, however slow the machine
        ledger.execute("update approvals set expires_at = asked_at where id = ?", (expired,))
    for request, standing in ((rejected, "rejected"), (withdrawn, "withdrawn"), (expired, "expired")):
        status, _, err = shop.run(shop.hugo, "approve", request)
        assert (status, f"it is {standing}" in err) == (3, True)
    for what in (("stop", "web-1"), ("stop", "web-2"), ("reboot", "test-1")):
        assert shop.run(shop.anna, "act", *what, "--yes")[0] == 3
    assert set(shop.cloud.states().values()) == {"running"}
    status, out, _ = shop.run(shop.anna, "approvals")
    assert (status, out) == (0, "nothing waits for approval\n")
    status, out, _ = shop.run(shop.anna, "approvals", "--all", "--json")
    assert {one["standing"] for one in json.loads(out)} == {"rejected", "withdrawn", "expired"}


def test_the_ledger_and_its_key_belong_to_the_group_and_to_nobody_else(shop: Shop) -> None:
    shop.asked("stop", "web-1")
    shop.run(shop.hugo, "approvals")
    for file in (shop.ledger, shop.ledger.with_suffix(".key")):
        assert file.stat().st_mode & 0o777 == 0o660
        assert file.group() == shop.ledger.parent.group()
