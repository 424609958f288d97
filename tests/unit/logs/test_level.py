"""Levels are read where systems put them, and not out of prose."""

from __future__ import annotations

import pytest

from calmtui.logs.formats.levels import level_of
from calmtui.logs.level import Level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ERROR refusing to start", Level.ERROR),
        ("[warn] 7#7: upstream", Level.WARN),
        ("[main] WARNING: deprecated", Level.WARN),
        ("INFO:     Uvicorn running", Level.INFO),
        ("level=error msg=no", Level.ERROR),
        ('{"level":"warn","msg":"slow"}', Level.WARN),
        ('{"msg":"' + "x" * 200 + '","level":"fatal"}', Level.FATAL),
        ('{"level":50,"msg":"no"}', Level.ERROR),
        ("E1121 02:29:14.103000       1 x.go:1] no", Level.ERROR),
        ("[core:error] [pid 1] no", Level.ERROR),
        ("[71] LOG:  ready", Level.INFO),
        ("[71] FATAL:  no such role", Level.FATAL),
        ("2026 DEBUG error handler installed", Level.DEBUG),
        ("host sshd[1]: error: no", Level.ERROR),
        ("<info> ready", Level.INFO),
        ("found 0 errors", Level.NONE),
        ("no error so far", Level.NONE),
        ("information desk", Level.NONE),
        ("GET /error/info 200", Level.NONE),
        ("", Level.NONE),
    ],
)
def test_a_level_is_read_where_systems_put_it(line: str, level: Level) -> None:
    assert level_of(line) is level
