"""Steps of runbooks over real SSH hosts: scripts, copies, requests, questions, conditions."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from calmtui.governance import trail
from calmtui.governance.record import Event
from calmtui.runbooks.journal import Journal, Standing
from calmtui.store import ledger
from tests.integration.program import run, write_estate
from tests.integration.test_runs import end_worker, root, until
from tests.lab.fleet import SshFleet

pytestmark = pytest.mark.lab
HOSTS = [f"web-{number:03d}" for number in range(1, 4)]
LEFT = ("greeting", "app.conf", "marked", "third", "told")
HEAD = "runbook: x\nsummary: s\ntargets: kind=host\n"


@pytest.fixture
def estate(ssh_fleet: SshFleet, tmp_path: Path) -> Iterator[Path]:
    """Three hosts, and the folder of an estate."""
    (tmp_path / "runbooks").mkdir()
    for host in HOSTS:
        for name in LEFT:
            (root(ssh_fleet, host) / name).unlink(missing_ok=True)
    yield write_estate(
        tmp_path,
        f'name: lab\nsources:\n  web: {{provider: ssh, hosts: "web-[001-003]", ssh_config: {ssh_fleet.ssh_config}}}\n',
    )
    end_worker()


def write(estate: Path, text: str) -> None:
    (estate.parent / "runbooks" / "x.yaml").write_text(HEAD + text)


def carried_out(estate: Path, *given: str) -> dict[str, Any]:
    values = [word for value in given for word in ("-p", value)]
    ran = run("-i", str(estate), "run", "x", *values, "--yes", "--json")
    assert ran.out, ran.err
    found: dict[str, Any] = ran.json
    return found


def outcomes(ran: dict[str, Any], step: str) -> set[str]:
    """How a step has ended, over all nodes."""
    return {one["status"] for node in ran["nodes"] for one in node["steps"] if one["step"] == step}


FILES = """
parameters:
  n: {type: integer, required: true}
  token: {type: secret, file: token}
steps:
  - {name: probe, run: hostname}
  - {run: "touch /root/third", when: {cel: 'steps["probe"].output.endsWith("003") && int(parameters.n) > 2'}}
  - {copy: {content: "{{ node.name }} has {{ n }}\\n", to: /root/greeting, mode: "0640"}}
  - {copy: {from: files/app.conf, to: /root/app.conf}}
  - script: tools/mark.sh
    args: ["{{ n }}", "it's"]
    env: {TOKEN: "{{ token }}"}
    creates: /root/marked
"""


def test_scripts_and_files_reach_every_host_and_are_left_alone_where_they_are(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    for name, text in (
        ("token", "hunter2\n"), ("files/app.conf", "port = 1\n"),
        ("tools/mark.sh", "#!/usr/bin/env bash\n[[ $# = 2 ]] && echo \"$1 $2 $TOKEN\" >/root/marked\n"),
    ):  # fmt: skip
        path = estate.parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    write(estate, FILES)
    planned = run("-i", str(estate), "run", "x", "-p", "n=3", "--plan")
    assert "script tools/mark.sh 3 'it'\"'\"'s', unless /root/marked is there (sha256 " in planned.out
    first = carried_out(estate, "n=3")
    assert (first["standing"], first["detail"]) == ("ok", "3 ok")
    for host in HOSTS:
        home = root(ssh_fleet, host)
        assert (home / "greeting").read_text() == f"{host} has 3\n"
        assert (home / "greeting").stat().st_mode & 0o777 == 0o640
        assert (home / "app.conf").read_text() == "port = 1\n"
        assert (home / "marked").read_text() == "3 it's hunter2\n"
        assert (home / "third").exists() == (host == "web-003")
    assert outcomes(first, "2") == {"ok", "skipped"}
    assert "hunter2" not in json.dumps(first) + planned.out
    second = carried_out(estate, "n=3")
    assert [outcomes(second, step) for step in ("3", "4", "5")] == [{"unchanged"}] * 3


ASKS = """
parameters: {token: {type: secret, file: token}}
steps:
  - {input: {name: build, text: 'Which build?', type: integer, by: [root]}}
  - {run: "echo {{ build }} > /root/told"}
  - {copy: {from: app.conf, to: /root/app.conf}}
"""


def test_a_run_waits_for_an_answer_and_refuses_a_file_that_has_changed_meanwhile(
    estate: Path, ssh_fleet: SshFleet
) -> None:
    (estate.parent / "token").write_text("x")
    (estate.parent / "app.conf").write_text("port = 1\n")
    write(estate, ASKS)
    planned = run("-i", str(estate), "run", "x", "--plan")
    assert "run echo {{ build }} > /root/told" in planned.out
    began = run("-i", str(estate), "run", "x", "--yes", "--detach")
    assert began.out, began.err
    journal = Journal()
    waits = until(lambda: (one := journal.run(began.out.strip())).standing is Standing.WAITING and one)
    assert waits.detail.endswith(f"waits for `calmtui run answer {waits.id} build=…`: Which build?")
    assert "Which build?" in run("-i", str(estate), "run", "answer", waits.id).out
    wrong = run("-i", str(estate), "run", "answer", waits.id, "build=new")
    assert (wrong.status, "build is a whole number" in wrong.err) == (2, True)
    assert run("-i", str(estate), "--read-only", "run", "answer", waits.id, "build=7").status == 3
    (estate.parent / "app.conf").write_text("port = 2\n")
    assert run("-i", str(estate), "run", "answer", waits.id, "build=7").status == 0
    ended = until(lambda: (one := journal.run(waits.id)).standing.ended and one)
    assert (ended.standing, ended.detail) == (Standing.FAILED, "3 failed")
    ends = [(event.node, event.step, event.status.value, event.detail) for event in journal.events(waits.id)]
    assert not any(status == "failed" and step == "2" for _, step, status, _ in ends), ends
    assert {(root(ssh_fleet, host) / "told").read_text() for host in HOSTS} == {"7\n"}
    details = {event.detail for event in journal.events(waits.id) if event.node and event.step == "3"}
    assert any("it has changed since the plan was made" in detail for detail in details)
    told = [item.record for item in trail.read(ledger.default_path()) if item.record.event is Event.ANSWERED]
    assert [record.detail for record in told] == [f"run {waits.id}: build=7"]
    assert run("-i", str(estate), "run", "answer", waits.id, "build=8").status == 2


class Service:
    """A service on loopback that keeps what it is asked, and answers with what the test wants."""

    def __init__(self, *answers: int) -> None:
        self.asked: list[tuple[str, str, dict[str, str], str]] = []
        self.answers = list(answers)
        self.slow = 0.0
        self.url = ""


@contextmanager
def serving(*answers: int) -> Iterator[Service]:
    service = Service(*answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            service.asked.append((self.command, self.path, dict(self.headers), body))
            time.sleep(service.slow)
            self.send_response(service.answers.pop(0) if service.answers else 200)
            self.end_headers()
            self.wfile.write(b"said \x1b[2J so")

        do_GET = do_POST  # noqa: N815 -- as http.server calls it

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()


REQUESTS = """
parameters: {url: {required: true}, note: {required: true}, token: {type: secret, file: token}}
steps:
  - http:
      {url: "{{ url }}/marks", method: POST, headers: {Authorization: "Bearer {{ token }}"}, repeatable: true,
       body: '{"text": "{{ note }}", "n": 1}'}
    retries: 1
  - {http: {url: "{{ url }}/of/{{ node.name }}", each: true}}
  - {check: {http: {url: "{{ url }}/health", contains: said}}}
"""


def test_requests_are_made_once_for_a_batch_or_for_each_node_and_say_what_came(estate: Path) -> None:
    (estate.parent / "token").write_text("hunter2")
    write(estate, REQUESTS)
    with serving(500) as service:
        ran = carried_out(estate, f"url={service.url}", 'note=a "b"')
    assert (ran["standing"], ran["detail"]) == ("ok", "3 ok")
    posts = [one for one in service.asked if one[0] == "POST"]
    assert [(path, json.loads(body)) for _, path, _, body in posts] == [("/marks", {"text": 'a "b"', "n": 1})] * 2
    assert posts[0][2]["Authorization"] == "Bearer hunter2"
    gets = sorted(path for method, path, *_ in service.asked if method == "GET")
    assert gets == ["/health"] * 3 + [f"/of/{host}" for host in HOSTS]
    assert "hunter2" not in json.dumps(ran)
    assert "\x1b" not in json.dumps(ran)


def test_what_a_service_may_have_got_and_did_not_answer_is_unknown(estate: Path) -> None:
    write(estate, "parameters: {url: {required: true}}\nsteps:\n"
          '  - {http: {url: "{{ url }}", method: POST, each: true}, timeout: 1s}\n')  # fmt: skip
    with serving() as service:
        service.slow = 3.0
        ran = carried_out(estate, f"url={service.url}")
        refused = carried_out(estate, "url=http://127.0.0.1:1/")
    assert outcomes(ran, "1") == {"unknown"}
    assert outcomes(refused, "1") == {"failed"}
