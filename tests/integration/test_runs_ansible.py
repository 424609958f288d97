"""`ansible` steps over real SSH hosts: each node has what the playbook came to on it, however the playbook ended."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

import pytest

from calmtui.actions.outcome import Status
from calmtui.errors import UsageError
from calmtui.runbooks.journal import Journal
from calmtui.runbooks.worker import serving
from tests.integration.carrying import Estate
from tests.integration.program import run
from tests.integration.test_runs import estate, root, traces, until, write  # noqa: F401 -- a fixture among them
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab

RUNBOOK = """
runbook: play
summary: Play a playbook
parameters:
  token: {type: secret, file: token}
  version: {default: "1.2"}
targets: "name~^web-00[1-4]$"
strategy: {rolling: {max_failed: 100%}}
steps:
  - name: site
    when: not name=web-004
    ansible: {playbook: site.yaml, extra_vars: {version: "{{ version }}", token: "{{ token }}"}, groups: shops}
  - {name: after, run: "echo x >> /root/back"}
"""

SITE = """
- hosts: shops
  gather_facts: false
  vars: {ansible_host: "{{ 'nowhere.invalid' if inventory_hostname == 'web-003' else inventory_hostname }}"}
  tasks:
    - {name: trace, raw: "echo {{ version }} >> /root/trace; ps -A -o args > /root/ps"}
    - {name: worse, raw: "echo disk full >&2; exit 3", when: inventory_hostname == 'web-002'}
    - {name: look, raw: "test -s /root/trace", changed_when: false}
    - {name: secret, debug: {msg: "the token is {{ token }}"}}
"""


def test_each_node_has_what_the_playbook_came_to_on_it(estate: Path, ssh_fleet: SshFleet) -> None:  # noqa: F811
    write(estate, RUNBOOK)
    (estate.parent / "site.yaml").write_text(SITE)
    planned = run("-i", str(estate), "run", "play", "--plan", "--json")
    bound = hashlib.sha256(SITE.encode()).hexdigest()[:12]
    said = f"ansible-playbook site.yaml -e version=1.2 -e token=•••••• (sha256 {bound}), where not name=web-004"
    assert planned.json["batches"][0][0]["steps"][0] == said
    assert traces(ssh_fleet) == {}
    ran = run("-i", str(estate), "run", "play", "--yes", "--json")
    assert (ran.status, ran.json["standing"]) == (1, "failed")
    shown = run("run", "show", ran.json["id"], "--json")
    steps = {node["id"].rpartition("/")[2]: node["steps"] for node in shown.json["nodes"]}
    assert {host: [step["status"] for step in found] for host, found in steps.items()} == {
        "web-001": ["ok", "ok"], "web-002": ["failed"], "web-003": ["failed"], "web-004": ["skipped", "ok"],
    }  # fmt: skip
    assert steps["web-001"][0]["detail"] == "1 of 3 tasks changed it"
    assert steps["web-001"][0]["output"].splitlines() == ["changed: trace", "skipped: worse", "ok: look", "ok: secret"]
    assert steps["web-002"][0]["detail"].startswith("failed: worse: non-zero return code")
    assert "  disk full" in steps["web-002"][0]["output"].splitlines()
    assert steps["web-003"][0]["detail"].startswith("unreachable: trace: ")
    assert traces(ssh_fleet) == {"web-001": 1, "web-002": 1}
    assert traces(ssh_fleet, "back") == {"web-001": 1, "web-004": 1}
    whole = next(step["detail"] for step in shown.json["once"] if step["step"].endswith("1"))
    assert whole == "1 ok, 2 failed"
    journal = Journal()
    kept = b"".join(file.read_bytes() for file in journal.path.parent.rglob("*") if file.is_file())
    listed = (root(ssh_fleet, "web-001") / "ps").read_text()
    assert "ansible-playbook" in listed
    assert "hunter2" not in shown.out + ran.out + ran.err + listed
    assert b"hunter2" not in kept


async def test_a_role_that_has_changed_since_the_plan_was_made_is_not_played(
    ssh_fleet: SshFleet, tmp_path: Path
) -> None:
    (root(ssh_fleet, "web-001") / "role").unlink(missing_ok=True)
    role = tmp_path / "roles" / "web" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True)
    role.write_text("- {name: trace, raw: echo x >> /root/role}\n")
    (tmp_path / "site.yaml").write_text("- {hosts: all, gather_facts: false, roles: [web]}\n")
    sources = f"  web: {{provider: ssh, hosts: web-001, ssh_config: {ssh_fleet.ssh_config}}}\n"
    text = "targets: kind=host\nsteps:\n  - {ansible: {playbook: site.yaml}}\n"

    def changed(_: object) -> None:
        role.write_text("- {name: trace, raw: echo other >> /root/role}\n")

    def added(_: object) -> None:
        (role.parent / "more.yml").touch()

    async with Estate(tmp_path, sources) as opened:
        first = await opened.carry(text)
        assert [end[1:] for end in first.ends()] == [(Status.OK, "1 of 1 tasks changed it")]
        refused = await opened.carry(text, before=changed)
        second = await opened.carry(text, before=added)
    assert (refused.sentences == first.sentences, second.sentences == first.sentences) == (True, False)
    assert "main.yml: it has changed since the plan was made" in refused.ends()[0][2]
    assert "more.yml: it was not there when the plan was made" in second.ends()[0][2]
    assert traces(ssh_fleet, "role") == {"web-001": 1}


GATED = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: trace, raw: "echo x >> /root/trace"}
    - {name: gate, raw: "until test -e /root/go; do sleep 0.2; done"}
"""


@pytest.mark.parametrize("ending", ["killed", "cancelled", "killed, repeatable"])
def test_what_is_ended_on_the_way_ends_on_the_hosts_and_is_said_to_be_unknown(
    ending: str,
    estate: Path,  # noqa: F811
    ssh_fleet: SshFleet,
) -> None:
    repeatable = ", repeatable: true" * ending.endswith("repeatable")
    write(estate, "runbook: play\nsummary: s\ntargets: name~^web-00[12]$\nstrategy: all\nsteps:\n"
                  f"  - {{ansible: {{playbook: gated.yaml}}{repeatable}}}\n")  # fmt: skip
    (estate.parent / "gated.yaml").write_text(GATED)
    journal = Journal()
    submitted = run("-i", str(estate), "run", "play", "--yes", "--detach").out.strip()
    until(
        lambda: all(any("until test" in line for line in ssh_fleet.processes(host)) for host in ("web-001", "web-002"))
    )
    until(lambda: [event.detail for event in journal.events(submitted)].count("gate") == 2)  # seen while it goes on
    if ending == "cancelled":
        assert run("run", "abort", submitted).err
    else:
        os.kill(until(lambda: serving(journal)), signal.SIGKILL)
    if repeatable:
        until(lambda: traces(ssh_fleet) == {"web-001": 2, "web-002": 2})
        for host in ("web-001", "web-002"):
            (root(ssh_fleet, host) / "go").touch()
    until(lambda: journal.run(submitted).standing.ended, 90)
    until(
        lambda: not any("until test" in line for host in ("web-001", "web-002") for line in ssh_fleet.processes(host))
    )
    shown = json.loads(run("run", "show", submitted, "--json").out)
    came = {(node["status"], node["detail"]) for node in shown["nodes"]}
    if repeatable:
        assert {step["detail"] for node in shown["nodes"] for step in node["steps"]} == {
            "repeated, which is harmless; 2 of 2 tasks changed it"
        }
    else:
        text = "it was interrupted: the playbook may have done all of it, or a part"
        assert came == {("unknown", text if ending == "killed" else "cancelled: the playbook was ended on the way")}
        assert traces(ssh_fleet) == {"web-001": 1, "web-002": 1}


async def test_what_cannot_be_played_is_said(ssh_fleet: SshFleet, tmp_path: Path) -> None:
    sources = f"  web: {{provider: ssh, hosts: web-001, ssh_config: {ssh_fleet.ssh_config}}}\n"
    text = "targets: kind=host\nsteps:\n  - {ansible: {playbook: wrong.yaml}}\n"
    async with Estate(tmp_path, sources) as opened:
        with pytest.raises(UsageError, match=r"wrong\.yaml: the file cannot be read"):
            await opened.carry(text)
        (tmp_path / "wrong.yaml").write_text("- hosts: all\n  tasks:\n    - {no_such_module: {}}\n")
        ran = await opened.carry(text)
        assert "no_such_module" in ran.ends()[0][2]
        (tmp_path / "wrong.yaml").write_text("- hosts: others\n  tasks:\n    - {ping: {}}\n")
        ran = await opened.carry(text)
        assert ran.ends()[0][2] == "the playbook did nothing on it: none of its plays is for this host"
