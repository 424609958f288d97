"""The console's own options mean the same, whether read at once or by the parser of all commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from calmtui.cli import app as commands
from calmtui.cli.console import read

words = st.sampled_from(
    ["-i", "--inventory", "--read-only", "--theme", "prod", "light", "-x", "--version", "ls", "--theme=light", "-iprod"]
)


def by_typer(argv: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any] | None:
    opened: list[dict[str, Any]] = []
    with monkeypatch.context() as patch:
        patch.setattr(commands, "open_console", lambda typed: opened.append(typed) or 0)
        try:
            commands.app(argv, standalone_mode=False)
        except (typer.exceptions.TyperException, SystemExit):
            return None
    return opened[0] if opened else None


@given(st.lists(words, max_size=5))
def test_whatever_is_read_at_once_is_what_the_parser_would_have_read(argv: list[str]) -> None:
    typed = read(argv)
    if typed is not None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            assert by_typer(argv, monkeypatch) == typed


@pytest.mark.parametrize(
    ("argv", "typed"),
    [
        ([], {"inventory": None, "read_only": None, "theme": None}),
        (["-i", "prod"], {"inventory": Path("prod"), "read_only": None, "theme": None}),
        (["--theme", "light", "--read-only"], {"inventory": None, "read_only": True, "theme": "light"}),
    ],
)
def test_the_console_alone_is_read_at_once(argv: list[str], typed: dict[str, Any]) -> None:
    assert read(argv) == typed


@pytest.mark.parametrize("argv", [["ls"], ["--help"], ["-i"], ["-i", "prod", "ls"], ["--theme", "--read-only"], ["-x"]])
def test_all_else_is_left_to_the_parser(argv: list[str]) -> None:
    assert read(argv) is None
