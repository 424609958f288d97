"""`calmtui blueprint` over real hosts and containers: one of eight forgotten is found, and the order is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from calmtui.governance import trail
from calmtui.store import ledger
from tests.integration.program import run, write_estate
from tests.integration.test_runs import HOSTS, end_worker, root
from tests.lab.docker import DockerEngine
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab

SHOP = """
blueprint: shop
summary: The shop on eight hosts
query: "service=shop"
variables: {version: "1.9.2"}
tiers:
  web:
    query: "name=web-[005-008]"
    needs: [api]
    expect: {count: 4, version: "{{ version }}", version_by: "cat /root/VERSION"}
    restart: {run: "echo {{ node.name }} $(date +%s%N) >> /root/trace"}
    at_once: 2
  api:
    query: "name=web-[002-004]"
    expect: {count: 3, version: "{{ version }}", version_by: "cat /root/VERSION"}
    check: {command: "test ! -e /root/broken && echo {{ db.name }}"}
    restart: {run: "echo {{ node.name }} $(date +%s%N) >> /root/trace"}
    within: 2s
  db:
    query: "name=web-001"
    expect: {count: 1, version: "1.*", version_by: "cat /root/VERSION"}
    restart: {run: "echo {{ node.name }} $(date +%s%N) >> /root/trace"}
environments:
  production: {query: "env=production"}
  next: {query: "env=production", variables: {version: "1.9.3"}}
"""


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Eight hosts that all have version 1.9.2, and their blueprint; afterwards the worker of the test is ended."""
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "shop.yaml").write_text(SHOP)
    for host in HOSTS:
        for name in ("trace", "broken"):
            (root(ssh_fleet, host) / name).unlink(missing_ok=True)
        (root(ssh_fleet, host) / "VERSION").write_text("1.9.2\n")
    yield write_estate(
        tmp_path,
        "name: lab\nsources:\n"
        f'  web: {{provider: ssh, hosts: "web-[001-008]", ssh_config: {ssh_fleet.ssh_config},'
        " defaults: {service: shop, env: production}}\n",
    )
    end_worker()


def test_a_deployment_that_forgot_one_of_eight_is_not_complete(estate: Path, ssh_fleet: SshFleet) -> None:
    proof = run("-i", str(estate), "blueprint", "complete", "shop", "production")
    assert (proof.status, proof.out) == (0, "complete: all 8 of 8 nodes have it\n")
    asked = [item.record for item in trail.read(ledger.default_path()) if item.record.action == "exec"]
    assert len(asked[0].nodes) == 8, "the commands that asked are in the audit trail"
    for host in HOSTS:
        if host != "web-006":
            (root(ssh_fleet, host) / "VERSION").write_text("1.9.3\n")
    proof = run("-i", str(estate), "blueprint", "complete", "shop", "next")
    assert proof.status == 1
    assert proof.out == "NOT complete: 7 of 8 nodes have it\n  web-006: version 1.9.2, not 1.9.3\n"
    told = run("-i", str(estate), "blueprint", "drift", "shop", "next", "--json")
    (drift,) = told.json
    assert (told.status, drift["good"], drift["total"], drift["wrong"]) == (1, 7, 8, True)
    differing = [node for tier in drift["tiers"] for node in tier["nodes"] if node["differences"]]
    assert differing == [
        {"id": "ssh:web/web-006",
         "differences": [{"what": "version", "found": "1.9.2", "wanted": "1.9.3", "unknown": False}]}
    ]  # fmt: skip


def test_what_cannot_be_asked_is_unknown_and_no_proof(estate: Path, ssh_fleet: SshFleet) -> None:
    ssh_fleet.stop("web-007")
    try:
        proof = run("-i", str(estate), "blueprint", "complete", "shop", "production")
    finally:
        ssh_fleet.start("web-007")
    assert proof.status == 1
    assert proof.out.startswith("NOT complete: 7 of 8 nodes have it\n  web-007: source not known: ")
    refused = run("-i", str(estate), "--read-only", "blueprint", "drift", "shop", "production")
    assert refused.status == 1
    assert "0 of 8 nodes are as declared" in refused.out
    assert "version not known: it may not be asked: calmtui runs read-only" in refused.out
    unasked = run("-i", str(estate), "--read-only", "blueprint", "drift", "shop", "production", "--no-checks")
    assert (unasked.status, unasked.out.splitlines()[0]) == (0, "shop in production: 8 of 8 nodes are as declared")
    assert "not asked: the nodes of db and api and web" in unasked.err


def traced(fleet: SshFleet) -> list[list[str]]:
    """The hosts that were restarted, in that order."""
    files = [root(fleet, host) / "trace" for host in HOSTS]
    lines = [line.split() for file in files if file.exists() for line in file.read_text().splitlines()]
    return sorted(lines, key=lambda line: int(line[1]))


def test_a_restart_goes_tier_by_tier_and_stops_where_a_tier_does_not_come_up(estate: Path, ssh_fleet: SshFleet) -> None:
    restart = ("-i", str(estate), "blueprint", "restart", "shop", "production")
    planned = run(*restart, "--plan", "--json")
    assert [[node["id"].rpartition("/")[2] for node in batch] for batch in planned.json["batches"]] == [
        HOSTS[:1], HOSTS[1:4], HOSTS[4:6], HOSTS[6:],
    ]  # fmt: skip
    assert planned.json["batches"][1][0]["steps"] == [
        "run echo web-002 $(date +%s%N) >> /root/trace",
        "wait until state=running for 0s, 2s at the most",
        "check test ! -e /root/broken && echo web-001",
    ]
    assert traced(ssh_fleet) == []
    (root(ssh_fleet, "web-003") / "broken").touch()
    failed = run(*restart, "--yes", "--json")
    assert failed.out, failed.err
    assert (failed.status, failed.json["standing"], failed.json["detail"]) == (1, "failed", "3 ok, 1 failed, 4 skipped")
    assert {name for name, _ in traced(ssh_fleet)} == set(HOSTS[:4])
    (root(ssh_fleet, "web-003") / "broken").unlink()
    ran = run(*restart, "--yes", "--json")
    assert (ran.status, ran.json["standing"], ran.json["detail"]) == (0, "ok", "8 ok")
    order = [name for name, _ in traced(ssh_fleet)][4:]
    assert [set(order[:1]), set(order[1:4]), set(order[4:6]), set(order[6:])] == [
        set(HOSTS[:1]), set(HOSTS[1:4]), set(HOSTS[4:6]), set(HOSTS[6:]),
    ]  # fmt: skip


def test_two_environments_side_by_side(estate: Path, ssh_fleet: SshFleet) -> None:
    (root(ssh_fleet, "web-006") / "VERSION").write_text("1.9.3\n")
    told = run("-i", str(estate), "blueprint", "diff", "shop", "production", "next", "--json")
    assert told.status == 1
    (web,) = [one for one in told.json if (one["tier"], one["what"]) == ("web", "version")]
    assert web == {
        "tier": "web", "what": "version", "is": "drift",
        "production": "1.9.2 ×3, 1.9.3 ×1", "next": "1.9.2 ×3, 1.9.3 ×1",
    }  # fmt: skip
    (db,) = [one for one in told.json if (one["tier"], one["what"]) == ("db", "version")]
    assert db["is"] == "same"


CONTAINERS = """
blueprint: stack
summary: Three containers
tiers:
  web: {query: "name=bp-web", needs: [api]}
  api: {query: "name=bp-api", needs: [db], expect: {image: "lab:*", labels: {track: stable}}}
  db: {query: "name=bp-db", expect: {count: 1}}
environments:
  lab: {query: "kind=container"}
"""


@pytest.fixture
def stack(docker_engine: DockerEngine, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "blueprints" / "stack.yaml").write_text(CONTAINERS)
    for name in ("bp-web", "bp-api", "bp-db"):
        docker_engine.run(name, "--init", "--label", "calmtui.test=blueprints", "--label", "track=stable")
    yield write_estate(tmp_path, f"name: lab\nsources:\n  engine: {{provider: docker, host: {docker_engine.host}}}\n")
    end_worker()
    docker_engine.cli("rm", "-f", "bp-web", "bp-api", "bp-db")


def told(engine: DockerEngine, field: str) -> list[str]:
    """The containers of the stack in the order of a moment in their state."""
    moments = {name: engine.cli("inspect", "--format", f"{{{{.State.{field}}}}}", f"bp-{name}")
               for name in ("web", "api", "db")}  # fmt: skip
    return sorted(moments, key=moments.__getitem__)


def test_containers_are_stopped_in_reverse_and_started_in_order(stack: Path, docker_engine: DockerEngine) -> None:
    stopped = run("-i", str(stack), "blueprint", "stop", "stack", "lab", "--yes", "--json")
    assert (stopped.status, stopped.json["detail"]) == (0, "3 ok")
    assert told(docker_engine, "FinishedAt") == ["web", "api", "db"]
    drift = run("-i", str(stack), "blueprint", "drift", "stack")
    assert drift.status == 1
    assert "docker:engine/bp-db: state exited (exited 143 (TERM)), not running" in drift.out
    started = run("-i", str(stack), "blueprint", "start", "stack", "lab", "--yes", "--json")
    assert (started.status, started.json["detail"]) == (0, "3 ok")
    assert told(docker_engine, "StartedAt") == ["db", "api", "web"]
    before = told(docker_engine, "StartedAt")
    restarted = run("-i", str(stack), "blueprint", "restart", "stack", "lab", "--yes")
    assert restarted.status == 0
    assert told(docker_engine, "StartedAt") == before == ["db", "api", "web"]
    assert run("-i", str(stack), "blueprint", "drift", "stack").status == 0
