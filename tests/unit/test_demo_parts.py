"""What the demo is made of: its machines, their lines, and the commands that must not be the machine's own."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from calmtui.demo import stand_ins, units
from calmtui.demo.lines import EVERY, FIRST_SPELL, LASTS, WRITERS, in_trouble, past
from calmtui.demo.population import HOSTS, MACHINES
from calmtui.fleet.hostset import expand

ESTATE = Path(__file__).parents[2] / "inventory" / "demo" / "estate.yaml"


def test_the_estate_file_names_every_host_once_with_the_logs_that_it_writes() -> None:
    sources = [source for source in yaml.safe_load(ESTATE.read_text())["sources"].values()
               if source["provider"] == "ssh"]  # fmt: skip
    named = {host: source for source in sources for host in expand(source["hosts"])}
    assert sorted(named) == sorted(machine.name for machine in HOSTS)
    assert len(HOSTS) == 12
    chance = random.Random(1)
    for machine in HOSTS:
        writer = WRITERS[machine.service]
        written = {f"log/{name}" for _ in range(200) for name, _ in writer(0.0, True, chance)}
        assert written <= set(named[machine.name]["logs"])


def test_there_is_trouble_to_be_seen_from_the_beginning() -> None:
    assert [machine.name for machine in HOSTS if machine.down] == ["api-03"]
    assert any(machine.stopped for machine in MACHINES)
    assert {machine.env for machine in MACHINES} == {"production", "staging"}
    assert len({machine.name for machine in MACHINES}) == len(MACHINES) >= 20


def test_spells_of_trouble_begin_soon_and_end() -> None:
    assert not in_trouble(0)
    assert in_trouble(FIRST_SPELL)
    assert not in_trouble(FIRST_SPELL + LASTS)
    assert in_trouble(FIRST_SPELL + EVERY)


@given(st.sampled_from(sorted(WRITERS)), st.floats(0, 4e9), st.booleans(), st.integers())
def test_every_line_is_one_line_of_printable_text(service: str, at: float, trouble: bool, seed: int) -> None:
    for name, line in WRITERS[service](at, trouble, random.Random(seed)):
        assert name.endswith(".log")
        assert line
        assert line.isprintable()


def test_an_api_logs_json_and_gives_up_with_a_traceback_in_trouble() -> None:
    lines = [line for at in range(50) for _, line in WRITERS["api"](at, True, random.Random(at))]
    assert {json.loads(line)["level"] for line in lines if line.startswith("{")} == {"info", "warn", "error"}
    assert "Traceback (most recent call last):" in lines


def test_a_log_begins_with_the_last_quarter_of_an_hour_in_order() -> None:
    times = [re.match(r"\S+ \S+", line) for _, line in past(WRITERS["db"], 1_800_000_000.0, random.Random(1))]
    stamps = [match[0] for match in times if match]
    assert len(stamps) > 100
    assert stamps == sorted(stamps)


WEB, STAGING_DB = (next(host for host in HOSTS if host.name == name) for name in ("web-01", "staging-db-01"))


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    stand_ins.install(tmp_path / "bin")
    units.install(tmp_path, WEB)
    return tmp_path / "bin"


def run(bin_folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{bin_folder}:/usr/bin:/bin", "HOME": str(bin_folder.parent), "DEMO_HOST": "web-01"}
    return subprocess.run(["sh", "-c", stand_ins.by_name(command)], env=environment, text=True, capture_output=True)


@pytest.mark.parametrize("command", ["hostname", "uname -n", "/bin/hostname", "sudo -n -u root hostname"])
def test_a_host_is_who_it_says_it_is(bin_folder: Path, command: str) -> None:
    assert run(bin_folder, command).stdout == "web-01\n"


# A failure here would stop the machine that the tests run on, so the way is looked at before it is walked.
@pytest.mark.parametrize("command", ["poweroff", "halt", "shutdown -h now", "shutdown now", "init 6", "telinit 6"])
def test_what_would_stop_the_machine_is_not_done(bin_folder: Path, command: str) -> None:
    assert run(bin_folder, f"command -v {command.split()[0]}").stdout.startswith(str(bin_folder))
    done = run(bin_folder, command)
    assert done.returncode == 1
    assert "not done" in done.stderr


@pytest.mark.parametrize("command", ["reboot", "shutdown -r now", "systemctl reboot", "sudo -n reboot"])
def test_a_reboot_is_of_the_demo_host_alone(bin_folder: Path, command: str) -> None:
    assert run(bin_folder, f"command -v {command.split()[0]}").stdout.startswith(str(bin_folder))
    assert run(bin_folder, command).returncode == 0
    assert (bin_folder.parent / stand_ins.REBOOT_FILE).exists()


@pytest.mark.parametrize(
    ("command", "comes_to"),
    [
        ("/sbin/reboot", "reboot"),
        ("sudo /usr/sbin/shutdown -r", "sudo shutdown -r"),
        ("/usr/bin/systemctl restart x", "systemctl restart x"),
        ("cat /usr/bin/rebooted /opt/sbin/reboot", "cat /usr/bin/rebooted /opt/sbin/reboot"),
        ("(/usr/bin/sudo -n /sbin/poweroff)", "(sudo -n poweroff)"),
    ],
)
def test_a_full_path_does_not_get_around_the_stand_ins(command: str, comes_to: str) -> None:
    assert stand_ins.by_name(command) == comes_to


def test_a_unit_is_stopped_and_started_and_its_service_with_it(bin_folder: Path) -> None:
    home = bin_folder.parent
    assert (
        run(bin_folder, "systemctl show -p ActiveState,SubState --value -- nginx.service").stdout == "active\nrunning\n"
    )
    assert units.serving(home, WEB)
    assert run(bin_folder, "sudo -n /usr/bin/systemctl --no-ask-password stop -- nginx.service").returncode == 0
    assert run(bin_folder, "systemctl show -p ActiveState,SubState --value -- nginx").stdout == "inactive\ndead\n"
    assert not units.serving(home, WEB)
    assert run(bin_folder, "systemctl restart nginx").returncode == 0
    assert units.serving(home, WEB)


def test_units_are_shown_by_pattern_with_what_systemd_tells_of_them(bin_folder: Path) -> None:
    shown = run(bin_folder, "systemctl show --no-pager -p Id,ActiveState -- '*.service' nginx.service")
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.stdout.strip().split("\n\n")]
    assert [block["Id"] for block in blocks] == ["cron.service", "nginx.service"]
    assert {block["LoadState"] for block in blocks} == {"loaded"}
    assert blocks[1]["Description"].startswith("A high performance web server")


def test_a_unit_that_is_not_there_is_said(bin_folder: Path) -> None:
    done = run(bin_folder, "systemctl start shop-api.service")
    assert (done.returncode, done.stderr) == (5, "Unit shop-api.service could not be found.\n")


def test_a_host_with_a_failed_unit_is_degraded(bin_folder: Path, tmp_path: Path) -> None:
    assert run(bin_folder, "systemctl is-system-running").stdout == "running\n"
    (tmp_path / ".units").rename(tmp_path / "before")
    units.install(tmp_path, STAGING_DB)
    assert run(bin_folder, "systemctl is-system-running").stdout == "degraded\n"


def journal(bin_folder: Path, arguments: str) -> list[dict[str, str]]:
    shown = run(bin_folder, f"journalctl --output=json --quiet --no-pager {arguments}")
    assert shown.stderr == ""
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_the_journal_tells_what_happened_to_a_unit(bin_folder: Path) -> None:
    assert [entry["_SYSTEMD_UNIT"] for entry in journal(bin_folder, "--no-tail")] == ["nginx.service", "cron.service"]
    run(bin_folder, "systemctl stop nginx; systemctl start nginx")
    told = journal(bin_folder, "--unit=nginx.service --lines=2")
    assert [entry["MESSAGE"].split(" -")[0] for entry in told] == ["Stopped nginx.service", "Started nginx.service"]
    assert [entry["__CURSOR"] for entry in told] == ["3", "4"]
    assert journal(bin_folder, "--unit=nginx.service --no-tail --cursor=4") == told[1:]
    assert journal(bin_folder, f"--since=@{time.time() - 60:.6f} --no-tail") == told
