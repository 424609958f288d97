"""The command line as a process, on moto's EC2; what it did is checked with boto3."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import Moto
from tests.integration.program import ARGV, OnTerminal, run, write_estate

REGION = "eu-west-1"
NODE_KEYS = [
    "id", "kind", "name", "source", "parent", "state", "raw_state", "labels", "addresses", "image", "env",
    "service", "region", "created", "restarts", "reason",
]  # fmt: skip


class Cloud:
    """Instances by name, as boto3 has them, and the estate file that names them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=url)
        source = f'{{provider: aws, regions: [{REGION}], endpoint_url: "{url}"}}'
        self.estate = str(write_estate(folder, f"name: lab\nsources:\n  cloud: {source}\n"))

    def launch(self, name: str, env: str = "staging") -> str:
        tags = [{"Key": "Name", "Value": name}, {"Key": "env", "Value": env}]
        started = self.ec2.run_instances(
            ImageId="ami-12c6146b", MinCount=1, MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )  # fmt: skip
        return str(started["Instances"][0]["InstanceId"])

    def states(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for reservation in self.ec2.describe_instances()["Reservations"]:
            for instance in reservation["Instances"]:
                name = next(tag["Value"] for tag in instance["Tags"] if tag["Key"] == "Name")
                found[name] = instance["State"]["Name"]
        return found

    def run(self, *args: str) -> Any:
        return run("-i", self.estate, *args)


@pytest.fixture
def cloud(moto: Moto, tmp_path: Path) -> Cloud:
    cloud = Cloud(moto.url, tmp_path)
    cloud.launch("web-1")
    cloud.launch("web-2")
    cloud.launch("db-1", env="production")
    return cloud


def test_ls_prints_the_nodes_as_json_with_the_keys_that_scripts_rely_on(cloud: Cloud) -> None:
    ran = cloud.run("ls", "kind=instance", "--json")
    assert ran.status == 0
    assert {node["name"] for node in ran.json["nodes"]} == {"web-1", "web-2", "db-1"}
    assert all(list(node) == NODE_KEYS for node in ran.json["nodes"])
    [source] = ran.json["sources"]
    assert list(source) == ["name", "kind", "state", "error", "nodes", "took_ms"]
    assert (source["name"], source["kind"], source["state"], source["nodes"]) == ("cloud", "aws", "live", 4)


def test_ls_in_a_pipe_is_aligned_and_holds_no_escape_even_where_a_name_does(cloud: Cloud) -> None:
    cloud.launch("evil\x9b31m")  # CSI in one character; XML lets no ESC through
    ran = cloud.run("ls", "kind=instance")
    assert not {"\x1b", "\x9b"} & set(ran.out + ran.err)
    assert "evil�31m" in ran.out
    head, *rows = ran.out.splitlines()
    assert len(rows) == 4
    assert all(row[head.index("KIND") :].startswith("instance") for row in rows)
    assert all(row == row.rstrip() for row in rows)


def test_ls_on_a_terminal_is_coloured_unless_told_not_to_be(cloud: Cloud) -> None:
    with OnTerminal("-i", cloud.estate, "ls", "web-1") as coloured:
        assert coloured.end() == 0
    assert b"\x1b[32mrunning\x1b[0m" in coloured.seen
    with OnTerminal("-i", cloud.estate, "ls", "web-1", NO_COLOR="1") as plain:
        assert plain.end() == 0
    assert b"\x1b" not in plain.seen


def test_a_reader_that_goes_away_is_no_error(cloud: Cloud) -> None:
    argv = [*ARGV, "-i", cloud.estate, "ls"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        assert listing.stdout is not None
        assert listing.stderr is not None
        listing.stdout.close()
        assert listing.wait(30) == 141
        assert listing.stderr.read() == b""


def test_act_does_it_to_what_the_query_selects_and_to_nothing_else(cloud: Cloud) -> None:
    ran = cloud.run("act", "stop", "web", "--yes", "--json")
    assert ran.status == 0
    assert {outcome["name"]: outcome["status"] for outcome in ran.json["outcomes"]} == {"web-1": "ok", "web-2": "ok"}
    assert cloud.states() == {"web-1": "stopped", "web-2": "stopped", "db-1": "running"}


def test_act_leaves_what_is_so_already_and_says_so(cloud: Cloud) -> None:
    cloud.run("act", "stop", "web-1", "--yes")
    ran = cloud.run("act", "stop", "kind=instance and env=staging", "--yes")
    assert ran.status == 0
    assert ran.out.split()[:2] == ["ok", "web-2"]
    assert "unchanged: instance web-1 is stopped already" in ran.err
    again = cloud.run("act", "stop", "web", "--yes")
    assert again.status == 0
    assert "nothing to do: 2 already so" in again.err


def test_act_says_when_no_node_offers_it(cloud: Cloud) -> None:
    cloud.run("act", "stop", "web-1", "--yes")
    ran = cloud.run("act", "reboot", "web-1", "--yes")
    assert ran.status == 1
    assert "no node that matches 'web-1' offers reboot now: instance web-1 is stopped: it does not offer" in ran.err


def test_one_node_that_fails_harms_no_other_and_makes_the_exit_status_1(cloud: Cloud) -> None:
    kept = cloud.launch("web-3")
    cloud.ec2.modify_instance_attribute(InstanceId=kept, DisableApiTermination={"Value": True})
    ran = cloud.run("act", "terminate", "web", "--yes", "--json")
    assert ran.status == 1
    assert {outcome["name"]: outcome["status"] for outcome in ran.json["outcomes"]} == {
        "web-1": "ok", "web-2": "ok", "web-3": "failed",
    }  # fmt: skip
    [failed] = [outcome for outcome in ran.json["outcomes"] if outcome["status"] == "failed"]
    assert "disableApiTermination" in failed["detail"]
    assert cloud.states() == {"web-1": "terminated", "web-2": "terminated", "web-3": "running", "db-1": "running"}


def test_without_a_terminal_nothing_is_asked_and_nothing_done(cloud: Cloud) -> None:
    ran = cloud.run("act", "stop", "web")
    assert (ran.status, ran.out) == (2, "")
    assert "add --yes" in ran.err
    assert set(cloud.states().values()) == {"running"}


def test_a_dry_run_names_every_target_and_touches_none(cloud: Cloud) -> None:
    ran = cloud.run("--read-only", "act", "stop", "web", "--dry-run", "--json")
    assert ran.status == 0
    assert len(ran.json["targets"]) == 2
    assert ran.json["undo"] == "start"
    assert set(cloud.states().values()) == {"running"}


@pytest.mark.parametrize("command", [("act", "stop", "web", "--yes"), ("exec", "web", "--", "true")])
def test_read_only_refuses_whatever_would_change_something(cloud: Cloud, command: tuple[str, ...]) -> None:
    ran = cloud.run("--read-only", *command)
    assert (ran.status, ran.out) == (3, "")
    assert "refused" in ran.err
    assert set(cloud.states().values()) == {"running"}


def test_an_estate_that_says_read_only_is_not_changed_either(cloud: Cloud) -> None:
    with Path(cloud.estate).open("a") as file:
        file.write("read_only: true\n")
    ran = cloud.run("act", "stop", "web", "--yes")
    assert ran.status == 3
    assert "the estate is read-only" in ran.err
    assert set(cloud.states().values()) == {"running"}


def test_on_a_terminal_production_is_asked_about_by_name_and_anything_else_does_nothing(cloud: Cloud) -> None:
    with OnTerminal("-i", cloud.estate, "act", "stop", "db") as wrong:
        wrong.wait("! this is production")
        wrong.wait("type db-1 to go on:")
        wrong.type("y\n")
        assert wrong.end() == 1
    assert b"nothing was done" in wrong.seen
    assert cloud.states()["db-1"] == "running"
    with OnTerminal("-i", cloud.estate, "act", "stop", "db") as right:
        right.wait("type db-1 to go on:")
        right.type("db-1\n")
        assert right.end() == 0
    assert cloud.states()["db-1"] == "stopped"


def test_ctrl_c_at_the_question_does_nothing_and_exits_with_130(cloud: Cloud) -> None:
    with OnTerminal("-i", cloud.estate, "act", "stop", "web") as asked:
        asked.wait("go on\\? y or n:")
        asked.type("\x03")
        assert asked.end() == 130
    assert asked.seen.endswith(b"calmtui: interrupted\r\n")
    assert set(cloud.states().values()) == {"running"}


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("act", "explode", "web", "--yes"), "none of the 2 nodes knows the action 'explode'"),
        (("act", "stop", "web", "--yes", "-p", "size=1"), "there is no parameter 'size'"),
        (("act", "stop", "web", "--yes", "-p", "size"), "'size' is not NAME=VALUE"),
        (("ls", "--nope"), "No such option: --nope"),
        (("ls", "-i", "x"), "-i stands before the command"),
        (("nope",), "No such command"),
        (("show", "web"), "2 nodes match 'web'"),
        (("shell", "web-1"), "a shell needs a terminal"),
    ],
)
def test_wrong_use_is_told_in_one_line_and_exits_with_2(cloud: Cloud, args: tuple[str, ...], text: str) -> None:
    ran = cloud.run(*args)
    assert (ran.status, ran.out) == (2, "")
    assert text in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_query_that_cannot_be_read_is_shown_with_a_caret_under_the_place(cloud: Cloud) -> None:
    ran = cloud.run("ls", "kind=(")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("calmtui: column 6: ")
    assert ran.err.splitlines()[1:] == ["  kind=(", "       ^"]


def test_a_broken_estate_is_told_with_its_line_and_exits_with_2(tmp_path: Path) -> None:
    path = write_estate(tmp_path, "name: lab\nsources:\n  cloud: {provider: awz}\n")
    ran = run("-i", str(path), "ls")
    assert ran.status == 2
    assert f"{path}:3:" in ran.err


def test_a_dead_source_is_named_and_the_others_are_printed_all_the_same(cloud: Cloud) -> None:
    with Path(cloud.estate).open("a") as file:
        file.write('  dead: {provider: aws, regions: [us-east-1], endpoint_url: "http://127.0.0.1:9"}\n')
    ran = cloud.run("ls", "web-1", "--json")
    assert ran.status == 1
    assert [node["name"] for node in ran.json["nodes"]] == ["web-1"]
    assert "calmtui: source dead: " in ran.err


def test_a_query_that_selects_nothing_is_no_success_for_an_act(cloud: Cloud) -> None:
    ran = cloud.run("act", "stop", "nobody", "--yes")
    assert ran.status == 1
    assert "no node matches 'nobody'" in ran.err


def test_show_prints_what_the_source_says_of_a_node(cloud: Cloud) -> None:
    ran = cloud.run("show", "db-1", "--json")
    assert ran.status == 0
    assert ran.json["node"]["name"] == "db-1"
    assert ran.json["described"]["InstanceType"]
    plain = cloud.run("show", "db-1")
    assert plain.out.startswith("db-1  running")
    assert "InstanceType: " in plain.out
