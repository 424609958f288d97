"""Foreign errors to ours: none is missed, and each says what to do."""

from __future__ import annotations

import inspect
import ssl
import types

import docker.errors
import pytest
import requests
import requests.exceptions
import urllib3.exceptions

from calmtui import errors as ours
from calmtui.errors import Forbidden, Misconfigured, NodeGone, OutcomeUnknown, SourceError, Unreachable
from calmtui.providers.docker.errors import CLASSES, answered, translate


@pytest.mark.parametrize("module", [docker.errors, requests.exceptions])
def test_every_public_exception_of_the_sdk_stands_in_the_table(module: types.ModuleType) -> None:
    public = {
        f"{module.__name__}.{name}"
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and not issubclass(value, Warning) and value.__module__ == module.__name__
    }
    assert public == {name for name in CLASSES if name.startswith(f"{module.__name__}.")}


def wrapped(error: OSError) -> requests.ConnectionError:
    """As requests hands on what a socket raised: urllib3 puts it into its own first."""
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", error))


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (FileNotFoundError(2, "No such file or directory"), Unreachable, "no engine listens on h:2376"),
        (PermissionError(13, "Permission denied"), Forbidden, "usermod -aG docker"),
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "connection refused"),
        (ConnectionResetError(104, "Connection reset by peer"), Unreachable, "reset by peer"),
        (TimeoutError(), Unreachable, "no answer from h:2376 in time"),
    ],
)
def test_a_sockets_error_reads_the_same_from_the_sdk_and_from_asyncio(
    error: OSError, kind: type[SourceError], says: str
) -> None:
    for one in (error, wrapped(error)) if error.args else (error,):
        translated = translate(one, "engine", "h:2376")
        assert type(translated) is kind
        assert says in str(translated)
        assert translated.where == "engine"
        assert translated.next_step


@pytest.mark.parametrize(
    "error",
    [requests.ReadTimeout("Read timed out."), wrapped(ConnectionResetError(104, "Connection reset by peer"))],
)
def test_an_act_whose_answer_was_lost_may_have_happened(error: Exception) -> None:
    assert type(translate(error, "engine", "h:2376", acting=True)) is OutcomeUnknown
    assert type(translate(error, "engine", "h:2376")) is Unreachable


@pytest.mark.parametrize("error", [FileNotFoundError(2, "x"), ConnectionRefusedError(111, "x")])
def test_an_act_that_was_never_sent_has_not_happened(error: OSError) -> None:
    assert type(translate(wrapped(error), "engine", "h:2376", acting=True)) is Unreachable


def test_the_engines_own_words_are_passed_on_without_secrets_and_in_one_line() -> None:
    error = answered(409, "cannot run: --password=hunter2\n is \tnot paused.", "web-1")
    assert error.what == "cannot run: --password=•••••• is not paused"
    assert len(answered(500, "x" * 5000, "").what) <= 300


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, SourceError),
        (401, ours.AuthFailed),
        (403, Forbidden),
        (404, NodeGone),
        (409, SourceError),
        (429, ours.Throttled),
        (500, SourceError),
        (503, Unreachable),
        (418, SourceError),
    ],
)
def test_a_status_has_a_meaning(status: int, kind: type[SourceError]) -> None:
    response = requests.Response()
    response.status_code = status
    error = docker.errors.APIError("no", response=response, explanation="because")
    assert type(translate(error, "e", "h:2376")) is type(answered(status, "because", "e")) is kind


def test_tls_on_one_side_only_is_a_matter_of_settings() -> None:
    assert isinstance(answered(400, "Client sent an HTTP request to an HTTPS server.", "e"), Misconfigured)
    plain = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1002)")
    plain.reason = "WRONG_VERSION_NUMBER"
    assert isinstance(translate(plain, "e", "h:2376"), Misconfigured)


def test_a_container_that_is_just_being_removed_is_gone() -> None:
    message = "can not get logs from container which is dead or marked for removal"
    assert type(answered(409, message, "engine")) is NodeGone
