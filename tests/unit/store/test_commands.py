"""The history of commands: newest first, searchable, without secrets."""

from __future__ import annotations

from pathlib import Path

from calmtui.masks import MASK
from calmtui.store.commands import Ran, add, load


def ran(command: str, at: float = 1.0, query: str = "env=prod") -> Ran:
    return Ran(at, "ana", command, query, 48, {"ok": 47, "failed": 1})


def test_the_latest_commands_come_first_and_of_this_estate_only(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert load("shop", path=path) == []
    for number, command in enumerate(["uptime", "df -h", "systemctl restart nginx"]):
        add("shop", ran(command, number), path=path)
    add("bank", ran("whoami"), path=path)
    assert [item.command for item in load("shop", path=path)] == ["systemctl restart nginx", "df -h", "uptime"]
    assert [item.command for item in load("shop", limit=1, path=path)] == ["systemctl restart nginx"]
    assert load("shop", path=path)[0] == ran("systemctl restart nginx", 2)


def test_a_text_is_found_in_command_and_query_whatever_its_case(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    add("shop", ran("df -h", query="kind=host"), path=path)
    add("shop", ran("uptime", query="name~^Web"), path=path)
    assert [item.command for item in load("shop", text="DF", path=path)] == ["df -h"]
    assert [item.command for item in load("shop", text="web", path=path)] == ["uptime"]
    assert load("shop", text="%", path=path) == []


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    add("shop", ran("mysql -psw0rdfish -e 'select 1'; TOKEN=abc123def456 deploy"), path=path)
    [found] = load("shop", path=path)
    assert MASK in found.command
    for file in tmp_path.glob("state.db*"):
        assert b"sw0rdfish" not in file.read_bytes()
        assert b"abc123def456" not in file.read_bytes()
