"""Settings, kubeconfigs and discovery: what is read from files, and what is said when they are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from calmtui.errors import UsageError
from calmtui.providers.base import AuthFailed, Misconfigured
from calmtui.providers.kubernetes import PROVIDER
from calmtui.providers.kubernetes.actions import number, truth
from calmtui.providers.kubernetes.login import log_in
from calmtui.providers.kubernetes.logs import label_selector
from calmtui.providers.kubernetes.options import KubernetesOptions

SECRET = "hunter2-correct-horse"


def kubeconfig(path: Path, user: dict[str, Any] | None, *contexts: str, current: str = "lab") -> Path:
    """A kubeconfig of some contexts of one cluster that all use one user."""
    names = contexts or ("lab",)
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": user}] if user is not None else [],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in names],
        "current-context": current,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


def plugin(path: Path, script: str) -> dict[str, Any]:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"exec": {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1"}}


def test_a_token_is_taken_from_the_kubeconfig_and_stays_out_of_sight(tmp_path: Path) -> None:
    login = log_in(kubeconfig(tmp_path / "config", {"token": SECRET}), None, "lab")

    assert (login.server, login.authorization) == ("http://127.0.0.1:9", f"Bearer {SECRET}")
    assert SECRET not in repr(login)


def test_an_exec_plugin_is_asked_for_a_token(tmp_path: Path) -> None:
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": SECRET}}
    user = plugin(tmp_path / "plugin", f"echo '{json.dumps(answer)}'")

    assert log_in(kubeconfig(tmp_path / "config", user), None, "lab").authorization == f"Bearer {SECRET}"


def test_what_an_exec_plugin_complains_of_is_said_and_does_not_reach_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    user = plugin(tmp_path / "plugin", "echo 'session expired, run: sso login' >&2; exit 3")

    with pytest.raises(AuthFailed, match="session expired, run: sso login"):
        log_in(kubeconfig(tmp_path / "config", user), None, "lab")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no kubeconfig"),
        ("{", "is not YAML"),
        ("[]", "cannot be used as a kubeconfig"),
        ("", "cannot be used as a kubeconfig"),
        ("contexts: []", "current-context"),
        (
            (
                f"current-context: lab\ncontexts: [{{name: lab, context: {{cluster: c, user: u}}}}]\n"
                f"users: [{{name: u, user: {{token: [{SECRET}]}}}}]\nclusters: []"
            ),
            "cluster",
        ),
    ],
)
def test_a_kubeconfig_that_cannot_work_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    with pytest.raises(Misconfigured, match=said) as caught:
        log_in(path, None, "lab")
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_unknown_context_is_named_with_the_file(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", {"token": SECRET}, "lab", "prod")

    with pytest.raises(Misconfigured) as caught:
        log_in(path, "nowhere", "lab")
    assert str(caught.value) == f"lab: there is no context 'nowhere' in {path}; there are: lab, prod"


def test_the_official_package_works_as_ever_after_a_login(tmp_path: Path) -> None:
    """To log in imports a part of it only; in a fresh interpreter the whole must still be there for others."""
    path = kubeconfig(tmp_path / "config", {"token": SECRET})
    script = (
        "import sys; from pathlib import Path; from calmtui.providers.kubernetes.login import log_in\n"
        f"log_in(Path({str(path)!r}), None, 'lab')\n"
        "assert 'kubernetes.client' not in sys.modules and 'kubernetes' not in sys.modules\n"
        "import kubernetes.aio\n"
        "assert kubernetes.client.CoreV1Api and kubernetes.aio.client.CoreV1Api and kubernetes.aio.config.kube_config\n"
    )

    subprocess.run([sys.executable, "-W", "error::ImportWarning", "-c", script], check=True, timeout=60)


def test_the_provider_costs_nothing_to_import() -> None:
    script = (
        "import sys, calmtui.providers.kubernetes\n"
        "print([name for name in ('kubernetes', 'aiohttp', 'pydantic', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_the_contexts_of_this_machine_are_found_and_the_current_one_suggested(nobodys_machine: Path) -> None:
    kubeconfig(nobodys_machine / ".kube" / "config", {}, "lab", "arn:aws:eks:eu-west-1:1234:cluster/prod", "kind-x")

    found = PROVIDER.discover()

    assert [(item.name, item.options, item.suggested) for item in found] == [
        ("lab", {"context": "lab"}, True),
        ("prod", {"context": "arn:aws:eks:eu-west-1:1234:cluster/prod"}, False),
        ("kind-x", {"context": "kind-x"}, False),
    ]
    assert {item.found_in for item in found} == {"~/.kube/config"}


def test_every_file_of_kubeconfig_is_looked_into_and_the_first_says_what_is_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        kubeconfig(tmp_path / "a", {}, "a", current="b"),
        tmp_path / "missing",
        kubeconfig(tmp_path / "b", {}, "b", "a", current="a"),
    ]
    (tmp_path / "broken").write_text("{")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, [*files, tmp_path / "broken"])))

    assert [(item.name, item.suggested) for item in PROVIDER.discover()] == [("a", False), ("b", True)]


def test_a_machine_without_a_kubeconfig_has_no_contexts() -> None:
    assert PROVIDER.discover() == []


@pytest.mark.parametrize("namespaces", [[], ["Shop"], ["a b"], "shop", [""]])
def test_namespaces_are_all_or_a_list_of_names(namespaces: Any) -> None:
    with pytest.raises(ValidationError):
        KubernetesOptions(namespaces=namespaces)


def test_a_namespace_named_twice_is_shown_once() -> None:
    assert KubernetesOptions(namespaces=["shop", "ops", "shop"]).namespaces == ["shop", "ops"]


@pytest.mark.parametrize("text", ["", "-1", "three", "1.5", "99999999999", "٣"])
def test_a_count_that_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="replicas must be a whole number"):
        number({"replicas": text}, "replicas", 100)


def test_numbers_and_answers_are_read_as_they_are_typed() -> None:
    assert number({"replicas": " 3 "}, "replicas", 100) == 3
    assert number({}, "timeout", 100, 30) == 30
    assert [truth({"force": text}, "force") for text in ("yes", "TRUE", "no", "")] == [True, True, False, False]
    with pytest.raises(UsageError):
        truth({"force": "maybe"}, "force")


def test_a_selector_is_written_as_the_api_takes_it() -> None:
    selector = {
        "matchLabels": {"app": "web", "tier": "front"},
        "matchExpressions": [
            {"key": "env", "operator": "In", "values": ["a", "b"]},
            {"key": "zone", "operator": "NotIn", "values": ["c"]},
            {"key": "live", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }

    assert label_selector(selector) == "app=web,tier=front,env in (a,b),zone notin (c),live,!old"
