"""`calmtui audit` as a process: told, followed, exported and verified; whatever was altered is named."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from calmtui.governance.identity import Who
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from tests.integration.program import ARGV, Ran, run, write_estate

ANNA, HUGO = Who("anna", host="vm"), Who("hugo", host="laptop", origin="10.0.0.7")
PLAN = "ab" * 32


class Kept:
    """An estate and its trail of five records: the beginning, two by anna, two by hugo."""

    def __init__(self, folder: Path) -> None:
        self.ledger = folder / "ledger.db"
        self.estate = str(
            write_estate(folder, f"name: shop\nsources:\n  web: {{provider: ssh, hosts: web}}\nledger: {self.ledger}\n")
        )
        self.add(ANNA, Event.INTENT, action="stop", nodes=("ssh:web/web-1", "ssh:web/web-2"), plan=PLAN)
        self.add(ANNA, Event.OUTCOME, action="stop", nodes=("ssh:web/web-1",), status="ok", plan=PLAN)
        self.add(HUGO, Event.DENIED, action="shell", nodes=("ssh:web/web-10",), detail="shells: ask sre")
        self.add(HUGO, Event.BREAK_GLASS, action="shell", nodes=("ssh:web/web-10",), reason="fire\x1b[2J")

    def add(self, who: Who, event: Event, **fields: object) -> None:
        trail = Trail(self.ledger, "shop", who=who)
        trail.append(trail.record(event, **fields))

    def run(self, *args: str) -> Ran:
        return run("-i", self.estate, "audit", *args)

    def alter(self, *statements: str) -> None:
        """As somebody would who can write the file."""
        with sqlite3.connect(self.ledger) as ledger:
            ledger.execute("drop trigger audit_is_never_altered")
            ledger.execute("drop trigger audit_is_never_shortened")
            for statement in statements:
                ledger.execute(statement)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_it_tells_who_did_what_and_holds_no_escape(kept: Kept) -> None:
    ran = kept.run()
    assert ran.status == 0
    assert "\x1b" not in ran.out
    head, *rows = ran.out.splitlines()
    assert head.split() == ["TIME", "WHO", "EVENT", "STATUS", "ACTION", "NODES", "DETAIL"]
    assert [row.split()[2:4] for row in rows[1:]] == [
        ["anna", "intent"], ["anna", "outcome"], ["hugo", "denied"], ["hugo", "break-glass"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "records"),
    [
        (("--user", "hugo"), [4, 5]),
        (("--event", "denied"), [4]),
        (("--node", "web-1"), [2, 3, 4, 5]),
        (("--node", "web-1$"), [2, 3]),
        (("--plan", "abab"), [2, 3]),
        (("--text", "ASK sre"), [4]),
        (("--limit", "1"), [5]),
        (("--user", "nobody"), []),
    ],
)
def test_it_finds_what_is_sought(kept: Kept, args: tuple[str, ...], records: list[int]) -> None:
    ran = kept.run(*args, "--json")
    assert ran.status == 0
    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["record"]["seq"] for line in lines] == records
    assert ("--limit shows more" in ran.err) is ("--limit" in args)


def test_an_event_that_there_is_none_of_is_told_with_those_that_there_are(kept: Kept) -> None:
    ran = kept.run("--event", "oops")
    assert (ran.status, ran.out) == (2, "")
    assert "there is no event 'oops'; there are begun, intent" in ran.err


def test_following_prints_what_comes(kept: Kept) -> None:
    argv = [*ARGV, "-i", kept.estate, "audit", "--user", "hugo", "-f", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, env=dict(os.environ)) as following:
        assert following.stdout is not None
        assert [json.loads(following.stdout.readline())["record"]["seq"] for _ in range(2)] == [4, 5]
        kept.add(ANNA, Event.ENDED, plan=PLAN)
        kept.add(HUGO, Event.REVIEWED, detail="right so")
        assert json.loads(following.stdout.readline())["record"]["event"] == "reviewed"
        following.terminate()


def test_an_export_and_the_ledger_verify_with_a_head_that_was_noted(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    ran = kept.run("export", str(file))
    assert ran.status == 0
    head = ran.err.split()[-1]
    assert kept.run("export").out == file.read_text()
    kept.add(HUGO, Event.ENDED)
    for args in (("--head", head), ("--file", str(file), "--head", head)):
        ran = kept.run("verify", *args)
        assert (ran.status, "records hold" in ran.out) == (0, True)
    again = kept.run("export", str(file))
    assert again.status == 2
    assert "File exists" in again.err


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("update audit set body = replace(body, 'anna', 'hugo') where seq = 2", 2),
        ("delete from audit where seq = 3", 3),
        ("update audit set seq = -seq where seq in (3, 4)", 1),
    ],
)
def test_what_was_altered_is_named_and_the_exit_status_is_1(kept: Kept, statement: str, first_bad: int) -> None:
    kept.alter(statement)
    ran = kept.run("verify", "--json")
    assert ran.status == 1
    assert ran.json["bad"]["seq"] == first_bad
    assert kept.run("verify").out.startswith(f"broken at record {first_bad}: ")


def test_an_end_that_was_cut_off_is_found_with_the_head(kept: Kept) -> None:
    head = kept.run("verify", "--json").json["head"]
    kept.alter("delete from audit where seq = 5")
    assert kept.run("verify").status == 0
    ran = kept.run("verify", "--head", head)
    assert ran.status == 1
    assert "the end of the trail was cut off" in ran.out


def test_a_record_that_cannot_be_read_any_more_is_told_and_not_skipped(kept: Kept) -> None:
    kept.alter('update audit set body = \'{"at":"2999","event":"intent"}\' where seq = 2')
    ran = kept.run()
    assert ran.status == 1
    assert "record 2 of the trail cannot be read; it was altered" in ran.err
