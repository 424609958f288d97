"""The doctor: what answers, what does not and why, as a person and as a script reads it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from calmtui.cli.doctor import doctor
from calmtui.estate.settings import config_file
from calmtui.store import marks
from calmtui.store.database import default_path

if TYPE_CHECKING:
    from tests.conftest import Moto


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "calmtui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _findings(*arguments: str) -> tuple[int, list[dict[str, str]]]:
    done = _run(*arguments, "doctor", "--json", "--wait", "20")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["findings"]


def _of(findings: list[dict[str, Any]], subject: str) -> dict[str, Any]:
    (found,) = [finding for finding in findings if finding["subject"] == subject]
    return found


@pytest.fixture
def estate(tmp_path: Path, moto: Moto) -> Path:
    """One source that answers, one that does not, one that is off."""
    file = tmp_path / "estate.yaml"
    file.write_text(f"""\
name: mixed
sources:
  cloud: {{provider: aws, regions: [us-east-1], endpoint_url: "{moto.url}"}}
  engine: {{provider: docker, host: "unix://{tmp_path}/nobody.sock"}}
  old: {{provider: docker, enabled: false}}
""")
    return file


def test_each_source_is_said_to_answer_to_fail_or_to_be_off(estate: Path) -> None:
    code, findings = _findings("-i", str(estate))
    assert code == 1
    assert _of(findings, "source cloud")["level"] == "fine"
    engine = _of(findings, "source engine")
    assert engine["level"] == "trouble"
    assert "nobody.sock" in engine["text"]
    assert _of(findings, "source old") == {
        "level": "note",
        "subject": "source old",
        "text": "docker: switched off",
        "mend": "",
    }


def test_what_is_said_to_a_person_has_no_colour_codes_in_a_pipe_and_ends_with_the_sum(estate: Path) -> None:
    done = _run("-i", str(estate), "doctor")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1] == "1 in trouble"
    assert "source engine" in done.stdout.splitlines()


def test_every_problem_of_an_estate_file_is_a_finding_and_wrong_use(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text("sources:\n  a: {provider: dcker}\n  b: {provider: docker, hots: x}\n")
    code, findings = _findings("-i", str(file))
    assert code == 2
    texts = [finding["text"] for finding in findings if finding["subject"] == "estate"]
    assert [text.partition(";")[0] for text in texts] == [
        f"{file}:2:17: there is no provider 'dcker'",
        f"{file}:3:25: unknown key 'hots'",
    ]


def test_wrong_settings_are_findings_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config_file().parent.mkdir(parents=True)
    config_file().write_text("theem: dark\n")
    monkeypatch.setenv("CALMTUI_REDONLY", "1")
    assert doctor(None, json=True, wait=5) == 2
    findings = json.loads(capsys.readouterr().out)["findings"]
    texts = [(finding["level"], finding["text"]) for finding in findings if finding["subject"] == "settings"]
    assert texts[0][0] == "trouble"
    assert f"{config_file()}:1:1: unknown setting 'theem'" in texts[0][1]
    assert ("warning", "the variable CALMTUI_REDONLY means nothing here") in texts


def test_a_store_that_others_can_read_is_said_with_how_to_close_it() -> None:
    marks.save("e", {"a"})
    default_path().chmod(0o644)
    _, findings = _findings()
    warning = next(finding for finding in findings if finding["subject"] == "store" and finding["level"] == "warning")
    subprocess.run(warning["mend"], shell=True, check=True)
    assert stat.S_IMODE(default_path().stat().st_mode) == 0o600


def test_a_damaged_store_is_said_and_set_aside() -> None:
    marks.save("e", {"a"})
    default_path().write_bytes(b"\0" * 10_000)
    _, findings = _findings()
    assert "damaged" in _of(findings, "store")["text"]
    assert list(default_path().parent.glob("*.damaged-*"))


def test_an_agent_is_asked_for_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert "does not answer" in _of(_findings()[1], "ssh agent")["text"]
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    values = dict(part.split("=", 1) for part in agent.replace("\n", ";").split(";") if part.startswith("SSH_"))
    monkeypatch.setenv("SSH_AUTH_SOCK", values["SSH_AUTH_SOCK"])
    try:
        assert _of(_findings()[1], "ssh agent")["mend"] == "ssh-add"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
        subprocess.run(["ssh-add", "-q", tmp_path / "key"], check=True)
        assert _of(_findings()[1], "ssh agent")["text"].endswith("keys: 1")
    finally:
        os.kill(int(values["SSH_AGENT_PID"]), 15)


def test_an_agent_that_accepts_and_says_nothing_does_not_hold_the_doctor_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        mute.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "mute"))
        assert "does not answer" in _of(_findings()[1], "ssh agent")["text"]
