"""What the API says of pods and their containers, to nodes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from calmtui.fleet.node import State
from calmtui.providers.kubernetes.catalogue import ACTIONS
from calmtui.providers.kubernetes.kinds import POD
from tests.unit.providers.kubernetes_objects import UP, container, pod

NAMES = {action.name for action in ACTIONS}


@pytest.mark.parametrize(
    ("status", "state", "raw_state", "reason"),
    [
        ({"phase": "Running", "containerStatuses": [UP]}, State.RUNNING, "Running", ""),
        ({"phase": "Running", "containerStatuses": [UP | {"ready": False}]}, State.DEGRADED, "Running", "0 of 1 ready"),
        (
            {"phase": "Running", "containerStatuses": [UP | {"ready": False, "started": False}]},
            State.PENDING,
            "Running",
            "0 of 1 ready",
        ),
        (
            {
                "phase": "Running",
                "containerStatuses": [
                    container(
                        {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
                        restartCount=7,
                        lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                    )
                ],
            },
            State.FAILED,
            "CrashLoopBackOff",
            "last exit 137 (OOMKilled)",
        ),
        (
            {
                "phase": "Pending",
                "containerStatuses": [
                    container({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})
                ],
            },
            State.FAILED,
            "ImagePullBackOff",
            "no such image",
        ),
        (
            {"phase": "Pending", "containerStatuses": [container({"waiting": {"reason": "ContainerCreating"}})]},
            State.PENDING,
            "ContainerCreating",
            "",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available",
                    }
                ],
            },
            State.PENDING,
            "Pending",
            "Unschedulable: 0/3 nodes are available",
        ),
        (
            {"phase": "Succeeded", "containerStatuses": [container({"terminated": {"exitCode": 0}})]},
            State.STOPPED,
            "Completed",
            "",
        ),
        (
            {"phase": "Failed", "containerStatuses": [container({"terminated": {"exitCode": 1, "reason": "Error"}})]},
            State.FAILED,
            "Error",
            "",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory"},
            State.FAILED,
            "Evicted",
            "low on memory",
        ),
        ({"phase": "Unknown"}, State.UNKNOWN, "Unknown", ""),
        (
            {"phase": "Running", "containerStatuses": [container({"terminated": {"exitCode": 2}})]},
            State.DEGRADED,
            "ExitCode:2",
            "container main ended",
        ),
    ],
)
def test_a_pod_is_in_the_state_that_kubectl_shows(
    status: dict[str, Any], state: State, raw_state: str, reason: str
) -> None:
    found = pod(status)[0]

    assert (found.state, found.raw_state, found.reason) == (state, raw_state, reason)


def test_a_pod_that_is_being_deleted_is_stopping_whatever_its_containers_do() -> None:
    found = pod({"phase": "Running", "containerStatuses": [UP]}, deletionTimestamp="2026-11-21T04:00:00Z")[0]

    assert (found.state, found.raw_state) == (State.STOPPING, "Terminating")


@pytest.mark.parametrize(
    ("init", "state", "raw_state"),
    [
        ([container({"running": {}}, "prepare")], State.PENDING, "Init:0/2"),
        ([container({"terminated": {"exitCode": 0}}, "prepare")], State.RUNNING, "Running"),
        ([container({"terminated": {"exitCode": 3, "reason": "Error"}}, "prepare")], State.FAILED, "Init:Error"),
        (
            [container({"waiting": {"reason": "CrashLoopBackOff"}}, "prepare")],
            State.FAILED,
            "Init:CrashLoopBackOff",
        ),
        (
            [
                container({"terminated": {"exitCode": 0}}, "prepare"),
                container({"running": {}}, "proxy", started=True, ready=True),
            ],
            State.RUNNING,
            "Running",
        ),
        (
            [container({"terminated": {"exitCode": 0}}, "prepare"), container({"running": {}}, "proxy", started=False)],
            State.PENDING,
            "Init:1/2",
        ),
    ],
)
def test_a_pod_waits_for_its_init_containers_and_sidecars(
    init: list[dict[str, Any]], state: State, raw_state: str
) -> None:
    spec = {
        "containers": [{"name": "main"}],
        "initContainers": [{"name": "prepare"}, {"name": "proxy", "restartPolicy": "Always"}],
    }
    found = pod({"phase": "Running", "containerStatuses": [UP], "initContainerStatuses": init}, spec)

    assert (found[0].state, found[0].raw_state) == (state, raw_state)
    assert [node.name for node in found[1:]] == ["prepare", "proxy", "main"]


def test_a_container_hangs_under_its_pod_with_its_own_state_image_and_restarts() -> None:
    found = pod({"phase": "Running", "podIP": "10.1.2.3", "containerStatuses": [UP | {"restartCount": 4}]})

    assert [node.id for node in found] == ["k8s:lab/shop/pod/web", "k8s:lab/shop/pod/web/main"]
    top, inner = found
    assert inner.parent == top.id
    assert (inner.state, inner.image, inner.restarts) == (State.RUNNING, "shop/web:1", 4)
    assert (top.addresses, top.restarts, top.facts["ready"]) == (("10.1.2.3",), 4, "1/1")
    assert {"exec", "shell", "logs"} <= set(inner.offers) & set(top.offers)


def test_a_pod_that_does_not_run_offers_no_shell_but_its_log() -> None:
    found = pod({"phase": "Succeeded", "containerStatuses": [container({"terminated": {"exitCode": 0}})]})

    for node in found:
        assert "logs" in node.offers
        assert not {"shell", "exec"} & set(node.offers)


def owner(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"kind": kind, "name": name, "controller": True}]


@pytest.mark.parametrize(
    ("owners", "labels", "parent"),
    [
        (owner("ReplicaSet", "web-7d9f"), {"pod-template-hash": "7d9f"}, "k8s:lab/shop/deployment/web"),
        (owner("ReplicaSet", "a-b-7d9f"), {"pod-template-hash": "7d9f"}, "k8s:lab/shop/deployment/a-b"),
        (owner("ReplicaSet", "bare"), {"pod-template-hash": "7d9f"}, "k8s:lab/shop"),
        (owner("ReplicaSet", "bare"), {}, "k8s:lab/shop"),
        (owner("StatefulSet", "db"), {}, "k8s:lab/shop/statefulset/db"),
        (owner("DaemonSet", "agent"), {}, "k8s:lab/shop/daemonset/agent"),
        (owner("Job", "once"), {}, "k8s:lab/shop/job/once"),
        (owner("Workflow", "deploy"), {}, "k8s:lab/shop"),
        ([{"kind": "Job", "name": "once"}], {}, "k8s:lab/shop"),
        ([], {}, "k8s:lab/shop"),
    ],
)
def test_a_pod_hangs_under_what_controls_it(owners: list[dict[str, Any]], labels: dict[str, str], parent: str) -> None:
    assert pod({"phase": "Running"}, ownerReferences=owners, labels=labels)[0].parent == parent


def test_the_ids_of_a_pod_that_is_gone_are_those_of_its_nodes() -> None:
    raw = {
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "c"}]},
    }
    item = POD.one.decode(msgspec.json.encode(raw))

    assert set(POD.ids("lab", item)) == {node.id for node in POD.nodes("lab", item)}
