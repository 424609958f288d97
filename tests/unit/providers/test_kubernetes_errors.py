"""Answers and exceptions become errors that an operator can act on."""

from __future__ import annotations

import errno
import inspect
import json
from unittest.mock import Mock

import aiohttp
import msgspec
import pytest

from calmtui.providers.base import (
    AuthFailed,
    Forbidden,
    Misconfigured,
    NodeGone,
    OutcomeUnknown,
    SourceError,
    Throttled,
    Unreachable,
)
from calmtui.providers.kubernetes.errors import (
    LONGEST_MESSAGE,
    Conflict,
    Expired,
    Rejected,
    from_exception,
    from_status,
    status_message,
)


def status(message: str) -> bytes:
    return json.dumps({"kind": "Status", "message": message}).encode()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            (
                'pods "web-1" is forbidden: User "viewer" cannot delete resource "pods" in API group "" '
                'in the namespace "shop"'
            ),
            "user viewer cannot delete pods in shop",
        ),
        (
            'nodes is forbidden: User "viewer" cannot list resource "nodes" in API group "" at the cluster scope',
            "user viewer cannot list nodes in the whole cluster",
        ),
        (
            (
                'deployments.apps "web" is forbidden: User "system:serviceaccount:ci:bot" cannot patch resource '
                '"deployments/scale" in API group "apps" in the namespace "shop": RBAC: clusterrole "x" not found'
            ),
            "user system:serviceaccount:ci:bot cannot patch deployments/scale in shop",
        ),
        ('pods "web" not found', 'pods "web" not found'),
    ],
)
def test_who_may_not_do_what_is_said_shortly(message: str, said: str) -> None:
    assert status_message(status(message)) == said


@pytest.mark.parametrize(
    "body", [b"", b"404 page not found\n", b"<html>502 Bad Gateway</html>", b"[1]", b'{"message": 3}']
)
def test_a_body_that_is_no_status_says_nothing(body: bytes) -> None:
    assert status_message(body) == ""
    assert "502" in from_status(502, body, "lab").what


def test_the_api_servers_words_are_cut_and_cannot_drive_the_terminal() -> None:
    said = status_message(status("\x1b]0;owned\x07" + "x" * 1000))

    assert "\x1b" not in said
    assert "\x07" not in said
    assert len(said) == LONGEST_MESSAGE


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, Rejected),
        (401, AuthFailed),
        (403, Forbidden),
        (404, NodeGone),
        (409, Conflict),
        (410, Expired),
        (422, Rejected),
        (429, Throttled),
        (500, SourceError),
        (504, Unreachable),
    ],
)
def test_each_status_is_an_error_of_its_own(code: int, kind: type[SourceError]) -> None:
    error = from_status(code, status("because"), "lab")

    assert type(error) is kind
    assert "because" in error.what
    assert error.where == "lab"


KEY = Mock(host="10.0.0.1", port=6443, ssl=True, is_ssl=True)


@pytest.mark.parametrize(
    ("error", "reading", "changing"),
    [
        (
            aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "Connection refused")),
            Unreachable,
            Unreachable,
        ),
        (aiohttp.ConnectionTimeoutError(), Unreachable, Unreachable),
        (aiohttp.SocketTimeoutError(), Unreachable, OutcomeUnknown),
        (aiohttp.ServerDisconnectedError(), Unreachable, OutcomeUnknown),
        (aiohttp.ClientPayloadError("cut"), Unreachable, OutcomeUnknown),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Unreachable, OutcomeUnknown),
        (TimeoutError(), Unreachable, OutcomeUnknown),
        (aiohttp.InvalidURL("nonsense"), Misconfigured, Misconfigured),
        (msgspec.ValidationError("odd"), SourceError, OutcomeUnknown),
    ],
)
def test_whether_something_may_have_happened_is_told_from_where_the_connection_broke(
    error: Exception, reading: type[SourceError], changing: type[SourceError]
) -> None:
    assert type(from_exception(error, "lab")) is reading
    assert type(from_exception(error, "lab", changing=True)) is changing


def test_a_refused_connection_names_the_address_and_the_reason_alone() -> None:
    refused = aiohttp.ClientConnectorError(KEY, OSError(errno.ECONNREFUSED, "Connection refused"))

    assert from_exception(refused, "lab").what == "cannot reach 10.0.0.1:6443: Connection refused"


def test_no_exception_of_the_http_client_passes_the_border() -> None:
    """Whatever aiohttp can raise has an error of ours; a new one fails here."""
    raised = [kind for _, kind in inspect.getmembers(aiohttp, inspect.isclass) if issubclass(kind, aiohttp.ClientError)]

    for kind in raised:
        mute = type(kind.__name__, (kind,), {"__str__": lambda self: "x"})  # each is made of other things
        assert isinstance(from_exception(mute.__new__(mute), "lab"), SourceError), kind
    assert len(raised) > 20


def test_a_fault_of_ours_is_not_dressed_up_as_the_sources() -> None:
    with pytest.raises(ZeroDivisionError):
        from_exception(ZeroDivisionError(), "lab")
