"""What is shown of an object: everything but secrets and bookkeeping."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import MASK
from calmtui.providers.kubernetes.describe import LAST_APPLIED, masked

SECRET = "hunter2-correct-horse"


def pod(container: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "web", **metadata}, "spec": {"containers": [container]}}


@pytest.mark.parametrize(
    "name",
    [
        "DB_PASSWORD",
        "PGPASSWORD",
        "password",
        "API_KEY",
        "apiKey",
        "GITHUB_TOKEN",
        "CLIENT_SECRET",
        "AWS_ACCESS_KEY_ID",
        "SSH_PRIVATE_KEY",
        "DATABASE_URL",
        "SENTRY_DSN",
        "BASIC_AUTH",
        "ENCRYPTION_KEY",
        "PASSPHRASE",
        "CONNECTION_STRING",
        "GOOGLE_CREDENTIALS",
    ],
)
def test_a_variable_that_looks_secret_is_masked(name: str) -> None:
    shown = masked(pod({"env": [{"name": name, "value": SECRET}, {"name": "PORT", "value": "8080"}]}))

    assert SECRET not in json.dumps(shown)
    assert shown["spec"]["containers"][0]["env"] == [{"name": name, "value": MASK}, {"name": "PORT", "value": "8080"}]


def test_where_a_secret_comes_from_is_shown() -> None:
    reference = {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}

    assert masked(pod({"env": [reference]}))["spec"]["containers"][0]["env"] == [reference]


@pytest.mark.parametrize(
    "command",
    [
        ["app", f"--password={SECRET}"],
        ["app", "--api-token", SECRET],
        ["env", f"TOKEN={SECRET}", "app"],
        ["app", f"postgres://shop:{SECRET}@db/shop"],
        ["app", "--db-password", SECRET, "--verbose"],
    ],
)
def test_a_secret_on_a_command_line_is_masked_and_the_rest_of_it_is_not(command: list[str]) -> None:
    shown = masked(pod({"args": command, "command": command}))["spec"]["containers"][0]

    assert SECRET not in json.dumps(shown)
    assert "app" in shown["args"]
    assert ("--verbose" in shown["args"]) == ("--verbose" in command)


def test_the_copy_that_kubectl_keeps_and_the_managed_fields_are_left_out() -> None:
    raw = pod(
        {},
        managedFields=[{"manager": "kubectl"}],
        annotations={LAST_APPLIED: json.dumps({"env": SECRET}), "team": "shop", "vault/token": SECRET},
    )

    shown = masked(raw)

    assert shown["metadata"] == {"name": "web", "annotations": {"team": "shop", "vault/token": MASK}}
    assert SECRET in json.dumps(raw)  # what was given is not altered


@given(st.dictionaries(st.text(max_size=8), st.just(SECRET), min_size=1))
def test_no_value_of_a_secret_is_shown(data: dict[str, str]) -> None:
    shown = masked({"kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque", "data": data, "stringData": data})

    assert SECRET not in json.dumps(shown)
    assert set(shown["data"]) == set(data)
