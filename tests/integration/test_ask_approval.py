"""Commands, copies and shells that need other people: asked for, approved, carried out once, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calmtui.governance.approvals import Approvals
from calmtui.governance.decide import Subject
from calmtui.governance.identity import Who
from calmtui.governance.trail import Trail
from tests.integration.program import OnTerminal, run, write_estate
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab

POLICIES = """
@id("everybody") permit (principal, action, resource);
@id("eyes") @approvals("1") forbid (principal, action in Action::"change", resource) when { !context.break_glass };
"""
REFUSED, FINE, WRONG_USE = 3, 0, 2


class Shop:
    """An estate of two hosts where nothing is changed without somebody else."""

    def __init__(self, folder: Path, ssh_fleet: SshFleet) -> None:
        (folder / "policies").mkdir()
        (folder / "policies" / "team.cedar").write_text(POLICIES)
        self.ledger = folder / "ledger.db"
        source = f"{{provider: ssh, ssh_config: {ssh_fleet.ssh_config}, hosts: 'web-[001-002]', interval: 3600}}"
        text = f"name: lab\nsources:\n  fleet: {source}\nledger: {self.ledger}\n"
        self.estate = str(write_estate(folder, text))

    def status(self, *args: str) -> int:
        return run("-i", self.estate, *args).status

    def approved(self, *args: str) -> None:
        """Ask for it and have somebody else agree."""
        verb = 2 if args[0] == "cp" else 1
        asking = ("--ask-approval", "--reason", "the disk is full")
        asked = run("-i", self.estate, *args[:verb], *asking, *args[verb:])
        assert asked.status == FINE, asked.err
        request = asked.out.split()[1]
        who = Who("hugo", host="their-laptop")
        Approvals(self.ledger, Trail(self.ledger, "lab", who=who), Subject(who)).vote(request, approve=True)


@pytest.fixture
def shop(tmp_path: Path, ssh_fleet: SshFleet) -> Shop:
    return Shop(tmp_path, ssh_fleet)


def test_the_approval_of_a_command_binds_its_words_its_input_and_root(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")
    (tmp_path / "two").write_text("two")
    given = ("exec", "web-001", "--stdin", str(tmp_path / "one"), "--env", "PLACE=here")
    command = ("--", "cat; echo $PLACE")
    assert shop.status(*given, *command) == REFUSED
    shop.approved(*given, *command)
    others = [
        ("exec", "web-001", "--stdin", str(tmp_path / "two"), "--env", "PLACE=here"),
        ("exec", "web-001", "--stdin", str(tmp_path / "one"), "--env", "PLACE=there"),
        ("exec", "kind=host", *given[2:]),
        (*given, "--sudo"),
    ]
    assert [shop.status(*other, *command) for other in others] == [REFUSED] * 4
    ran = run("-i", shop.estate, *given, *command)
    assert (ran.status, ran.out) == (FINE, "web-001: onehere\n")
    assert shop.status(*given, *command) == REFUSED


def test_the_approval_of_a_copy_binds_what_is_copied_and_where(shop: Shop, tmp_path: Path, ssh_fleet: SshFleet) -> None:
    (tmp_path / "motd").write_text("hello")
    put = ("cp", "put", "web-001", str(tmp_path / "motd"), "/root/asked")
    assert shop.status(*put) == REFUSED
    shop.approved(*put)
    (tmp_path / "motd").write_text("other")
    assert shop.status(*put) == REFUSED
    (tmp_path / "motd").write_text("hello")
    assert shop.status(*put) == FINE
    home = ssh_fleet.folder / "hosts" / "web-001" / "root"
    assert (home / "asked").read_text() == "hello"
    assert shop.status(*put, "--break-glass") == WRONG_USE
    assert shop.status(*put, "--break-glass", "--reason", "the site is down") == FINE
    reviews = run("-i", shop.estate, "reviews", "--json")
    assert [one["reason"] for one in json.loads(reviews.out)] == ["the site is down"]


def test_a_shell_that_was_approved_opens_once_and_in_an_emergency_without(shop: Shop) -> None:
    shop.approved("shell", "web-001")
    with OnTerminal("-i", shop.estate, "shell", "web-002") as other:
        other.wait("needs the approval of 1 person")
        assert other.end() == REFUSED
    with OnTerminal("-i", shop.estate, "shell", "web-001") as opened:
        opened.wait("shell on web-001[^$]*root@web-001")
        opened.type("exit\n")
        assert opened.end() == FINE
    with OnTerminal("-i", shop.estate, "shell", "web-001") as again:
        again.wait("needs the approval of 1 person")
        assert again.end() == REFUSED
    with OnTerminal("-i", shop.estate, "shell", "web-001", "--break-glass", "--reason", "it burns") as broken:
        broken.wait("shell on web-001[^$]*root@web-001")
        broken.type("exit\n")
        assert broken.end() == FINE
    assert run("-i", shop.estate, "audit", "verify").status == FINE
