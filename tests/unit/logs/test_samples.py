"""Samples of real systems' logs: the time and level of every line, its fields, the first lines of its events.

Beside each `samples/NAME.log` lies `NAME.json`, a list with one object a line: `time` (null: it has none), `level`,
`goes_on` (it belongs to the line before), `layout`, `message` and `fields`. Made to read as the system documents it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from calmtui.logs.formats import spellings
from calmtui.logs.formats.columns import NO_TIME
from calmtui.logs.formats.events import Events
from calmtui.logs.formats.fields import parse
from calmtui.logs.formats.gravity import Levels
from calmtui.logs.level import Level
from calmtui.logs.line import rfc3339
from calmtui.logs.times import Clock

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.log"))
NOW = 1_795_262_400
"""2026-11-21T12:00Z: dates without a year, and times without a date, are told from it."""


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spellings, "time", SimpleNamespace(time=lambda: NOW, gmtime=time.gmtime))


def read(lines: list[bytes]) -> list[dict[str, Any]]:
    times, stamps = Clock().read_all(lines)
    levels = Levels().read_all(lines, stamps)
    timed = (times != NO_TIME).tolist()
    goes_on = Events().read_all(lines, timed if any(timed) else None)
    read = []
    for row, line in enumerate(lines):
        text = line.decode()
        parsed = parse(text)
        read.append({
            "time": rfc3339(int(times[row])) if timed[row] else None,
            "level": Level(int(levels[row])).name,
            "goes_on": goes_on[row],
            "layout": parsed.name,
            "message": text[slice(*parsed.message)],
            "fields": parsed.fields,
        })  # fmt: skip
    return read


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_systems_log_is_read(sample: Path) -> None:
    assert read(sample.read_bytes().splitlines()) == json.loads(sample.with_suffix(".json").read_text())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_long_log_is_read_as_a_short_one(sample: Path) -> None:
    lines = sample.read_bytes().splitlines()
    short, long = Clock(), Clock()
    once = [item for _ in range(30) for item in short.read_all(lines)[0].tolist()]
    assert long.read_all(lines * 30)[0].tolist() == once
