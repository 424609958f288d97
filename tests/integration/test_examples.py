"""The runbooks of `inventory/examples/operations`, each carried out on the lab as it stands, but for its waits."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from calmtui.runbooks.journal import Journal, Standing
from tests.integration.kubernetes_live import delete_namespace, namespace, workload
from tests.integration.program import Ran, run, write_estate
from tests.integration.test_runs import end_worker, root, until
from tests.lab.fleet import SshFleet
from tests.lab.kube import Kube

OPERATIONS = Path(__file__).parents[2] / "inventory/examples/operations"
HOSTS = [f"web-{number:03d}" for number in range(1, 5)]
HOME = "/root/shop"
"""On every host: what a test puts there, and what the runbooks leave."""
SPACE = "examples"
LOG = '{ for i in 1 2 3 4 5 6 7 8; do echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ERROR $i"; done; } >>/var/log/app.log'


def copied(folder: Path, sources: str) -> Path:
    """The estate with other sources, and its runbooks with waits that are for tests."""
    for name in ("runbooks", "files"):
        shutil.copytree(OPERATIONS / name, folder / name)
    for path in (folder / "runbooks").iterdir():
        path.write_text(re.sub(r"\b(window|hold|pause|for): \d+[sm]", r"\1: 2s", path.read_text()))
    told = f"notify: {{command: [sh, -c, 'cat >>{folder}/told']}}\n"
    return write_estate(folder, f"name: lab\n{told}sources:\n{sources}")


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Four hosts."""
    for host in HOSTS:
        shutil.rmtree(shop(ssh_fleet, host), ignore_errors=True)
        shop(ssh_fleet, host).mkdir()
        (ssh_fleet.log_folder(host) / "app.log").write_text("2026-01-01T00:00:00Z ERROR long ago\n")
    yield copied(
        tmp_path,
        f'  web: {{provider: ssh, hosts: "web-[001-004]", ssh_config: {ssh_fleet.ssh_config},'
        " logs: [/var/log/app.log], defaults: {service: shop, env: production}}\n",
    )
    end_worker()


def shop(fleet: SshFleet, host: str) -> Path:
    return root(fleet, host) / "shop"


def carried_out(estate: Path, runbook: str, *given: str) -> Ran:
    values = [word for value in given for word in ("-p", value)]
    return run("-i", str(estate), "run", runbook, *values, "--yes", "--json")


def ended(ran: Ran) -> tuple[str, str]:
    assert ran.out, ran.err
    return ran.json["standing"], ran.json["detail"]


def outcomes(ran: Ran, step: str) -> dict[str, str]:
    """How the steps of a key have ended, by host."""
    return {
        node["id"].rpartition("/")[2]: one["status"]
        for node in ran.json["nodes"]
        for one in node["steps"]
        if one["step"] == step
    }


def on(hosts: list[str], *said: str) -> dict[str, list[str]]:
    """The same lines on each of the hosts."""
    return {host: list(said) for host in hosts}


def lines(fleet: SshFleet, name: str) -> dict[str, list[str]]:
    """What stands in a file of the hosts that have it."""
    files = {host: shop(fleet, host) / name for host in HOSTS}
    return {host: file.read_text().splitlines() for host, file in files.items() if file.exists()}


@contextmanager
def rebooting(fleet: SshFleet) -> Iterator[None]:
    """Hosts that are asked to reboot do so: everything on them ends, and they come back as another boot."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for host in HOSTS:
                wanted = shop(fleet, host) / "down"
                if wanted.exists():
                    wanted.unlink()
                    fleet.stop(host)
                    (shop(fleet, host) / "needed").unlink(missing_ok=True)
                    boot = shop(fleet, host) / "boot"
                    boot.write_text(f"{int(boot.read_text()) + 1}\n")
                    fleet.start(host)

    for host in HOSTS:
        (shop(fleet, host) / "boot").write_text("1\n")
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


REBOOT = (f"reboot_command=touch {HOME}/down", f"boot_command=cat {HOME}/boot", f"state={HOME}/before")


def test_a_rolling_restart_stops_at_the_host_that_does_not_come_back_clean(estate: Path, ssh_fleet: SshFleet) -> None:
    given = ("service=shop", "unit=shop.service", f"healthy_command=grep -qx $UNIT {HOME}/restarted")
    good = carried_out(estate, "rolling-restart", *given, f'restart_command=echo "$UNIT" >>{HOME}/restarted')
    assert ended(good) == ("ok", "4 ok")
    assert lines(ssh_fleet, "restarted") == on(HOSTS, "shop.service")
    noisy = f'restart_command=echo "$UNIT" >>{HOME}/restarted; test "$(hostname)" != web-002 || {LOG}'
    bad = carried_out(estate, "rolling-restart", *given, noisy)
    assert ended(bad) == ("failed", "1 ok, 1 failed, 2 skipped")
    assert {host: len(said) for host, said in lines(ssh_fleet, "restarted").items()} == {
        "web-001": 2, "web-002": 2, "web-003": 1, "web-004": 1,
    }  # fmt: skip


def test_a_bad_version_is_stopped_after_the_first_host_which_has_the_version_before_again(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    given = (
        "service=shop", f"root={HOME}", 'fetch_command=echo "$VERSION" >version',
        f"restart_command=cat {HOME}/current/version >>{HOME}/served; grep -qxv 2.0 {HOME}/current/version || {LOG}",
        f'healthy_command=grep -qx "$VERSION" {HOME}/current/version',
    )  # fmt: skip
    assert ended(carried_out(estate, "deploy", *given, "version=1.0")) == ("ok", "4 ok")
    bad = carried_out(estate, "deploy", *given, "version=2.0")
    assert ended(bad) == ("rolled back", "1 ok, 3 skipped; 1 rolled back")
    assert lines(ssh_fleet, "served") == {**on(HOSTS, "1.0"), "web-001": ["1.0", "2.0", "1.0"]}
    assert lines(ssh_fleet, "current/version") == on(HOSTS, "1.0")
    again = carried_out(estate, "deploy", *given, "version=1.0")
    assert ended(again) == ("ok", "4 ok")
    assert set(outcomes(again, "2").values()) == {"unchanged"}
    assert set(outcomes(again, "3").values()) == {"skipped"}, "what serves this version already is not restarted"


def test_hosts_are_drained_rebooted_and_put_back_one_by_one(estate: Path, ssh_fleet: SshFleet) -> None:
    with rebooting(ssh_fleet):
        ran = carried_out(
            estate, "drain-and-reboot", "hosts=^web-00[12]$", "unit=shop", *REBOOT,
            f"drain_command=date +%s%N >{HOME}/out", f"drained_command=test -e {HOME}/out",
            f"return_command=test -e {HOME}/out && date +%s%N >{HOME}/back", f"healthy_command=test -e {HOME}/back",
        )  # fmt: skip
    assert ended(ran) == ("ok", "2 ok")
    assert lines(ssh_fleet, "boot") == {host: ["2" if host < "web-003" else "1"] for host in HOSTS}
    out, back = lines(ssh_fleet, "out"), lines(ssh_fleet, "back")
    assert sorted(out) == sorted(back) == HOSTS[:2]
    assert out["web-001"] < back["web-001"] < out["web-002"] < back["web-002"]


def test_a_credential_is_rotated_and_the_old_one_is_back_where_it_is_not_accepted(
    estate: Path, ssh_fleet: SshFleet, nobodys_machine: Path
) -> None:
    secret = nobodys_machine / ".config/calmtui/new-credential"
    secret.parent.mkdir(parents=True)
    for host in HOSTS:
        (shop(ssh_fleet, host) / "credential").write_text("old\n")
    accepted = f'case "$CREDENTIAL" in hunter*) grep -qxF "$CREDENTIAL" {HOME}/credential ;; *) false ;; esac'
    given = (
        "service=shop", f"path={HOME}/credential", f"reload_command=cat {HOME}/credential >>{HOME}/read",
        f"accepted_command={accepted}",
    )  # fmt: skip
    secret.write_text("hunter2 $x 'y'\n")
    good = carried_out(estate, "rotate-credential", *given)
    assert ended(good) == ("ok", "4 ok")
    assert lines(ssh_fleet, "credential") == on(HOSTS, "hunter2 $x 'y'")
    assert {(shop(ssh_fleet, host) / "credential").stat().st_mode & 0o777 for host in HOSTS} == {0o600}
    assert "hunter2" not in good.out + good.err
    again = carried_out(estate, "rotate-credential", *given)
    assert set(outcomes(again, "1").values()) == {"unchanged"}
    assert lines(ssh_fleet, "read") == on(HOSTS, "hunter2 $x 'y'"), "what has it already is left alone"
    secret.write_text("mistyped\n")
    bad = carried_out(estate, "rotate-credential", *given)
    assert ended(bad) == ("rolled back", "1 failed, 3 skipped; 1 rolled back")
    assert lines(ssh_fleet, "credential") == on(HOSTS, "hunter2 $x 'y'")
    assert lines(ssh_fleet, "read")["web-001"] == ["hunter2 $x 'y'", "mistyped", "hunter2 $x 'y'"]


def test_diagnostics_are_collected_and_change_nothing(estate: Path, ssh_fleet: SshFleet) -> None:
    before = {host: sorted(path.name for path in root(ssh_fleet, host).rglob("*")) for host in HOSTS}
    ran = carried_out(estate, "collect-diagnostics", "hosts=^web-00[1-3]$", "logs=/var/log/app.log")
    assert ended(ran) == ("ok", "3 ok")
    said = {event.node.rpartition("/")[2]: event.output for event in Journal().events(ran.json["id"]) if event.output}
    assert sorted(said) == HOSTS[:3]
    for host, output in said.items():
        assert output.startswith(f"== {host}, ")
        assert "MemAvailable:" in output
        assert output.endswith("2026-01-01T00:00:00Z ERROR long ago")
    assert {host: sorted(path.name for path in root(ssh_fleet, host).rglob("*")) for host in HOSTS} == before


def test_the_standby_takes_over_once_somebody_has_said_so(estate: Path, ssh_fleet: SshFleet) -> None:
    (shop(ssh_fleet, "web-001") / "role").write_text("leads\n")
    (shop(ssh_fleet, "web-002") / "role").write_text("follows\n")
    given = (
        "primary=web-001", "standby=web-002", f"caught_up_command=grep -qx follows {HOME}/role",
        f"fence_command=echo fenced >{HOME}/role; date +%s%N >>{HOME}/when",
        f"promote_command=date +%s%N >>{HOME}/when; echo leads >{HOME}/role",
        f"leads_command=grep -qx leads {HOME}/role",
        f'follow_command=echo "follows $LEADER" >{HOME}/role; date +%s%N >>{HOME}/when',
    )  # fmt: skip
    values = [word for value in given for word in ("-p", value)]
    began = run("-i", str(estate), "run", "fail-over", *values, "--yes", "--detach")
    assert began.out, began.err
    journal, run_id = Journal(), began.out.strip()
    waits = until(lambda: (one := journal.run(run_id)).standing is Standing.WAITING and one)
    assert "go=" in waits.detail
    assert lines(ssh_fleet, "role") == {"web-001": ["leads"], "web-002": ["follows"]}, "nothing is done before"
    assert run("-i", str(estate), "run", "answer", run_id, "go=yes").status == 2
    assert run("-i", str(estate), "run", "answer", run_id, "go=promote").status == 0
    over = until(lambda: (one := journal.run(run_id)).standing.ended and one)
    assert (over.standing, over.detail) == (Standing.OK, "2 ok")
    assert lines(ssh_fleet, "role") == {"web-001": ["follows web-002"], "web-002": ["leads"]}
    (fenced, followed), (promoted,) = (lines(ssh_fleet, "when")[host] for host in HOSTS[:2])
    assert fenced < promoted < followed
    told = (estate.parent / "told").read_text()
    assert "web-001 does not write any more; web-002 is promoted" in told
    assert "web-002 leads" in told


def test_a_fleet_is_patched_and_only_the_hosts_that_need_it_are_rebooted(estate: Path, ssh_fleet: SshFleet) -> None:
    with rebooting(ssh_fleet):
        ran = carried_out(
            estate, "patch", *REBOOT, f"reboot_needed_command=test -e {HOME}/needed", "healthy_command=true",
            f'patch_command=echo x >>{HOME}/patched; test "$(hostname)" != web-002 || touch {HOME}/needed',
        )  # fmt: skip
    assert ended(ran) == ("ok", "4 ok")
    assert lines(ssh_fleet, "patched") == on(HOSTS, "x")
    assert lines(ssh_fleet, "boot") == {**on(HOSTS, "1"), "web-002": ["2"]}
    assert outcomes(ran, "4") == {**dict.fromkeys(HOSTS, "skipped"), "web-002": "ok"}


@pytest.fixture
def cluster(kube: Kube, tmp_path: Path) -> Iterator[Path]:
    """An estate with a deployment of one pod."""
    namespace(kube, SPACE)
    kube.apply(workload("Deployment", "shop", SPACE))
    yield copied(tmp_path, f"  lab: {{provider: kubernetes, kubeconfig: {kube.kubeconfig}, namespaces: [{SPACE}]}}\n")
    end_worker()
    delete_namespace(kube, SPACE)


def test_a_deployment_is_scaled_out_and_in(cluster: Path, kube: Kube) -> None:
    def pods() -> Any:
        return kube.kubectl("-n", SPACE, "get", "deploy", "shop", "-o", "jsonpath={.status.readyReplicas}").strip()

    assert ended(carried_out(cluster, "scale", "deployment=shop", "replicas=3")) == ("ok", "1 ok")
    assert pods() == "3"
    assert ended(carried_out(cluster, "scale", "deployment=shop", "replicas=1")) == ("ok", "1 ok")
    assert pods() == "1"
    refused = carried_out(cluster, "scale", "deployment=shop", "replicas=51")
    assert (refused.status, "at most 50" in refused.err) == (2, True)
