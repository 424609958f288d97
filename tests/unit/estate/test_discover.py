"""Discovery: what the files of other tools say is found, named uniquely, and switched as it was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.estate import discover
from calmtui.estate.discover import Found
from calmtui.estate.load import load_estate
from calmtui.providers.base import Discovered
from calmtui.store import views

KUBECONFIG = """\
current-context: lab
contexts:
  - {name: lab, context: {cluster: lab, user: me}}
  - {name: "arn:aws:eks:eu-west-1:1234:cluster/prod", context: {cluster: prod, user: me}}
  - {name: "arn:aws:eks:us-east-1:1234:cluster/prod", context: {cluster: prod2, user: me}}
clusters: []
users: []
"""


@pytest.fixture
def machine(nobodys_machine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that has been worked in."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine:2376")
    for name, text in {
        ".kube/config": KUBECONFIG,
        ".aws/config": "[default]\nregion = eu-west-1\n[profile lab]\nregion = us-east-1\n",
        ".ssh/config": "Host web-1 web-2\n  User root\nHost *\n  ServerAliveInterval 10\n",
    }.items():
        file = nobodys_machine / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return nobodys_machine


def _named(found: list[Found]) -> dict[str, str]:
    return {item.name: item.provider for item in found}


def test_every_provider_is_asked_and_every_name_is_unique(machine: Path) -> None:
    found = discover.discover()
    assert _named(found) == {
        "aws": "aws",
        "aws-lab": "aws",
        "docker": "docker",
        "lab": "kubernetes",
        "prod": "kubernetes",
        "prod-kubernetes": "kubernetes",
        "ssh": "ssh",
    }
    assert not [item.error for item in found if item.error]


def test_a_machine_set_up_for_nothing_is_an_empty_estate(nobodys_machine: Path) -> None:
    assert [item for item in discover.discover() if item.provider != "docker"] == []
    assert load_estate(None).path is None


def test_what_is_found_is_switched_as_its_provider_suggests_until_somebody_chooses(machine: Path) -> None:
    found = discover.discover()
    on = discover.chosen(found, discover.choices())
    assert on["lab"]
    assert not on["prod"]
    discover.remember(found, on | {"lab": False, "prod": True})
    again = discover.discover()
    on = discover.chosen(again, discover.choices())
    assert not on["lab"]
    assert on["prod"]
    assert not on["prod-kubernetes"]


def test_choices_for_what_is_not_there_now_are_kept(machine: Path) -> None:
    found = discover.discover()
    on = {item.name: False for item in found}
    discover.remember(found, on)
    discover.remember(found[:1], {found[0].name: True})
    on = discover.chosen(found, discover.choices())
    assert [name for name, chosen in on.items() if chosen] == [found[0].name]


def test_the_estate_holds_everything_found_and_what_is_off_as_off(machine: Path) -> None:
    estate = load_estate(None)
    by_name = {source.name: source for source in estate.sources}
    assert by_name["lab"].enabled
    assert not by_name["prod"].enabled
    assert by_name["prod"].options.context == "arn:aws:eks:eu-west-1:1234:cluster/prod"


def test_a_source_whose_settings_cannot_be_is_shown_with_the_reason_and_left_out(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "engine:2376")
    found = discover.discover()
    (wrong,) = [item for item in found if item.error]
    assert (wrong.name, wrong.options) == ("docker", None)
    assert "host" in wrong.error
    on = discover.chosen(found, {wrong.key: True})
    assert not on["docker"]
    assert "docker" not in [source.name for source in discover.estate_of(found, on).sources]


def test_a_damaged_store_leaves_the_suggestions(machine: Path) -> None:
    views.save("x", {"y": 1})
    store = machine / ".local" / "state" / "calmtui" / "state.db"
    store.write_bytes(b"damaged" * 1000)
    assert any(source.enabled for source in load_estate(None).sources)


@pytest.mark.parametrize(
    ("wanted", "name"), [("a b/c", "a-b-c"), ("--", "ssh"), ("", "ssh"), ("web", "web"), ("ünï", "n"), ("a" * 3, "aaa")]
)
def test_a_found_name_becomes_one_that_an_estate_file_could_hold(
    wanted: str, name: str, monkeypatch: pytest.MonkeyPatch, nobodys_machine: Path
) -> None:
    from calmtui import providers

    provider = providers.load("docker")
    monkeypatch.setattr(providers, "names", lambda: ["ssh"])
    monkeypatch.setattr(providers, "load", lambda kind: provider)
    monkeypatch.setattr(type(provider), "discover", lambda self: [Discovered(wanted)])
    assert [item.name for item in discover.discover()] == [name]
