"""Pinned log lines: kept with their notes, in the order of the lines, and forgotten one by one."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from calmtui.cli.app import app
from calmtui.store import pins
from calmtui.store.pins import Pin

FIRST = Pin("ssh:lab/web", "web", "/var/log/app.log", 1_789_990_000_123_456_789, "out of memory", "here it began",
            "ana", 1_789_990_100.5)  # fmt: skip


def test_pins_come_back_as_they_were_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    assert pins.load("e", path=path) == []
    later = msgspec.structs.replace(FIRST, at=FIRST.at + 1, note="and then")
    pins.add("e", later, path=path)
    pins.add("e", FIRST, path=path)
    assert [msgspec.structs.replace(pin, number=0) for pin in pins.load("e", path=path)] == [FIRST, later]
    assert pins.load("other", path=path) == []


def test_a_pin_is_forgotten_in_its_own_estate_only(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    pins.add("e", FIRST, path=path)
    number = pins.load("e", path=path)[0].number
    pins.remove("other", number, path=path)
    assert len(pins.load("e", path=path)) == 1
    pins.remove("e", number, path=path)
    pins.remove("e", number, path=path)
    assert pins.load("e", path=path) == []


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    file = tmp_path / "estate.yaml"
    file.write_text('name: lab\nsources: {engine: {provider: docker, host: "unix:///nowhere"}}\n')
    return file


def test_the_command_line_lists_them(estate: Path) -> None:
    pins.add(str(estate), FIRST)
    pins.add(str(estate), msgspec.structs.replace(FIRST, at=0, note="long ago"))
    table = CliRunner().invoke(app, ["-i", str(estate), "pins"]).stdout.splitlines()
    assert table[0].split()[0] == "TIME"
    assert "long ago" in table[1]
    assert table[2].split("  ")[-2:] == ["here it began", "out of memory"]
    recent = CliRunner().invoke(app, ["-i", str(estate), "pins", "--since", "2020-01-01T00:00", "--json"])
    (told,) = json.loads(recent.stdout)["pins"]
    assert told["at"] == "2026-09-21T11:26:40.123456789Z"
    assert (told["note"], told["who"], told["node"]) == ("here it began", "ana", "ssh:lab/web")
