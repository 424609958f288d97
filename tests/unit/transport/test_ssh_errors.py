"""Which error an operator is told for what asyncssh and the system raise."""

from __future__ import annotations

import socket

import asyncssh
import pytest

from calmtui.errors import AuthFailed, HostKeyRejected, SourceError, Unreachable
from calmtui.transport.ssh.dial import Target
from calmtui.transport.ssh.errors import table, translate

SERVER_SIDE = {"BreakReceived", "SignalReceived", "TerminalSizeChanged"}
"""Raised in servers only, when a client sends such a thing."""


def test_every_public_exception_of_asyncssh_has_its_place_in_the_table() -> None:
    public = {
        name: value
        for name in asyncssh.__all__
        if isinstance(value := getattr(asyncssh, name), type) and issubclass(value, BaseException)
    }
    assert len(public) > 20
    placed = tuple(kind for kind in table() if kind not in (OSError, ValueError))
    assert {name for name, kind in public.items() if not issubclass(kind, placed)} == SERVER_SIDE


@pytest.mark.parametrize(
    ("foreign", "kind", "words"),
    [
        (asyncssh.PermissionDenied("no"), AuthFailed, "no"),
        (asyncssh.HostKeyNotVerifiable("x"), HostKeyRejected, "x"),
        (asyncssh.ConnectionLost("gone"), Unreachable, "gone"),
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "nothing listens"),
        (socket.gaierror(-2, "Name or service not known"), Unreachable, "name is not known"),
        (TimeoutError(), Unreachable, "in time"),
        (asyncssh.ConnectionLost("bad \x1b]0;title\x07 text"), Unreachable, "␛]0;title␇"),
    ],
)
def test_a_foreign_error_becomes_one_of_ours_with_place_and_safe_text(
    foreign: BaseException, kind: type[SourceError], words: str
) -> None:
    error = translate(foreign, "web-1")
    assert type(error) is kind
    assert error.where == "web-1"
    assert words in error.what


def test_an_error_of_ours_passes_through() -> None:
    error = Unreachable("x")
    assert translate(error, "elsewhere") is error


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("web", Target("web")),
        ("ops@web:2222", Target("web", "ops", 2222)),
        ("ssh://ops@web:2222/", Target("web", "ops", 2222)),
        ("[fd00::1]:22", Target("fd00::1", None, 22)),
        ("fd00::1", Target("fd00::1")),
    ],
)
def test_a_destination_is_read_as_ssh_reads_it(text: str, target: Target) -> None:
    assert Target.parse(text) == target
