"""What the doctor says about a terminal, and that what it says is safe to print."""

from __future__ import annotations

import contextlib
import io
import locale

import pytest

from calmtui.cli.findings import Finding, Level, about_program, about_terminal


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LINES", "50")


def _said(environment: dict[str, str], stdout: io.StringIO | None = None) -> list[tuple[Level, str]]:
    with contextlib.redirect_stdout(stdout or _Terminal()):
        return [(finding.level, finding.text) for finding in about_terminal(environment)]


def test_a_good_terminal_is_one_line_that_says_where_it_is() -> None:
    environment = {"TERM": "tmux-256color", "TMUX": "x", "SSH_CONNECTION": "x"}
    assert _said(environment) == [(Level.FINE, "tmux-256color in tmux, over SSH, 200x50")]


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}])
def test_a_terminal_that_cannot_place_the_cursor_is_trouble(environment: dict[str, str]) -> None:
    assert (Level.TROUBLE, "it cannot place the cursor") in _said(environment)


def test_a_small_terminal_another_locale_and_no_colour_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "79")
    monkeypatch.setattr(locale, "getencoding", lambda: "ISO-8859-1")
    said = _said({"TERM": "xterm", "NO_COLOR": "1"})
    assert [level for level, _ in said] == [Level.FINE, Level.WARNING, Level.WARNING, Level.NOTE]
    assert "ISO-8859-1" in said[2][1]


def test_output_that_is_no_terminal_is_no_trouble() -> None:
    assert [level for level, _ in _said({}, io.StringIO())] == [Level.NOTE]


def test_every_sdk_is_named_with_its_version() -> None:
    versions = list(about_program())[1]
    assert versions.level is Level.FINE
    for name in ("asyncssh", "boto3", "docker", "kubernetes", "textual", "sqlite-utils"):
        assert f"{name} " in versions.text


def test_what_a_source_says_cannot_reach_the_terminal_raw() -> None:
    assert "\x1b" not in Finding(Level.FINE, "x", "\x1b]0;title\x07").text
