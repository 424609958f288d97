"""`calmtui logs --patterns` on files of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from calmtui.cli.app import app
from calmtui.errors import UsageError

LINES = """\
2026-11-21T02:29:14Z ERROR order 71 failed after 12ms
2026-11-21T02:29:15Z INFO order 72 paid
2026-11-21T02:29:16Z INFO order 1073 paid
"""


@pytest.fixture
def logs(tmp_path: Path) -> list[str]:
    for name in ("web-1.log", "web-2.log"):
        (tmp_path / name).write_text(LINES)
    return [str(tmp_path / "web-1.log"), str(tmp_path / "web-2.log")]


def test_lines_are_folded_with_their_counts(logs: list[str]) -> None:
    ran = CliRunner().invoke(app, ["logs", *logs, "--patterns", "--json"])
    assert ran.exit_code == 0, ran.output
    paid, failed = json.loads(ran.stdout)
    assert (paid["pattern"], paid["count"]) == ("INFO order <num> paid", 4)
    assert (failed["pattern"], failed["level"]) == ("ERROR order <num> failed after <num>ms", "error")
    assert list(failed["nodes"].values()) == [1, 1]
    assert failed["first"] == "2026-11-21T02:29:14.000000000Z"
    assert failed["example"] == "2026-11-21T02:29:14Z ERROR order 71 failed after 12ms"


def test_people_get_a_table_with_folded_nodes(logs: list[str]) -> None:
    ran = CliRunner().invoke(app, ["logs", *logs, "--patterns"])
    head, first, _ = ran.stdout.splitlines()
    assert head.split() == ["count", "level", "first", "nodes", "pattern"]
    assert first.split(maxsplit=4) == ["4", "info", "2026-11-21T02:29:15Z", "web-[1-2].log", "INFO order <num> paid"]


def test_a_log_that_is_followed_is_not_folded(logs: list[str]) -> None:
    refused = CliRunner().invoke(app, ["logs", *logs, "--patterns", "-f"]).exception
    assert isinstance(refused, UsageError)
    assert "--patterns" in str(refused)
