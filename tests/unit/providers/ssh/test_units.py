"""Which units of a host are shown, and what their nodes allow."""

from __future__ import annotations

import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.ssh.actions import denied, unit_line
from calmtui.providers.ssh.describe import masked
from calmtui.providers.ssh.nodes import unit_node
from calmtui.providers.ssh.units import Unit, queried, shown

UNITS = [
    Unit("nginx.service", active="active", sub="running"),
    Unit("backup.service", active="inactive", sub="dead"),
    Unit("systemd-logind.service", active="active", sub="running"),
    Unit("systemd-oomd.service", active="failed", sub="failed", result="exit-code"),
    Unit("sshd.service", active="active", sub="running"),
    Unit("backup.timer", active="active", sub="waiting"),
]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (None, ["nginx.service", "systemd-oomd.service", "sshd.service"]),
        ([], ["systemd-oomd.service"]),
        (
            ["*"],
            [
                "nginx.service",
                "backup.service",
                "systemd-logind.service",
                "systemd-oomd.service",
                "sshd.service",
                "backup.timer",
            ],
        ),
        (["backup"], ["backup.service", "systemd-oomd.service"]),
        (["*.timer"], ["systemd-oomd.service", "backup.timer"]),
        (["*.service", "!systemd-*"], ["nginx.service", "backup.service", "systemd-oomd.service", "sshd.service"]),
    ],
)
def test_units_are_shown_by_pattern_and_failed_ones_always(patterns: list[str] | None, names: list[str]) -> None:
    assert [unit.name for unit in shown(UNITS, patterns)] == names


def test_systemctl_is_asked_for_all_services_and_for_what_is_named_besides() -> None:
    assert queried(None) == ["*.service"]
    assert queried(["nginx", "*.timer", "app-*", "!x"]) == ["*.service", "nginx.service", "*.timer"]


@pytest.mark.parametrize(
    ("unit", "state", "actions"),
    [
        (Unit("a.service", active="active", sub="running"), State.RUNNING, ("restart", "stop")),
        (Unit("a.service", active="inactive", sub="dead"), State.STOPPED, ("start", "restart")),
        (Unit("a.service", active="failed", sub="failed", result="oom-kill"), State.FAILED, ("start", "restart")),
        (
            Unit("a.service", active="activating", sub="auto-restart", result="exit-code"),
            State.DEGRADED,
            ("restart", "stop"),
        ),
        (Unit("a.service", active="no such word"), State.UNKNOWN, ()),
    ],
)
def test_a_unit_stands_as_systemd_says_and_allows_what_makes_sense(
    unit: Unit, state: State, actions: tuple[str, ...]
) -> None:
    node = unit_node(Node("ssh:f/web", "host", "web", "f"), unit)
    assert (node.id, node.parent) == ("ssh:f/web/a.service", "ssh:f/web")
    assert (node.state, node.actions) == (state, actions)
    assert node.reason == ("" if state in (State.RUNNING, State.STOPPED, State.UNKNOWN) else unit.result)


def test_a_unit_name_cannot_become_a_command() -> None:
    assert "-- 'a; rm -rf /.service'" in unit_line("start", "a; rm -rf /.service")


def test_a_refusal_is_told_from_a_failure() -> None:
    assert denied("sudo: a password is required")
    assert denied("Failed to restart x.service: Interactive authentication required.")
    assert not denied("Job for x.service failed because the control process exited with error code.")


def test_values_of_a_units_environment_are_masked_and_their_names_stay() -> None:
    assert masked("Environment", "DB_URL=postgres://u:p@h/db MODE=x") == "DB_URL=•••••• MODE=••••••"
    assert masked("Environment", '"TOKEN=a b"').count("a b") == 0
    assert masked("Description", "A=B") == "A=B"
