"""What the API says of workloads, machines and other objects, to nodes."""

from __future__ import annotations

from typing import Any

import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.kubernetes.catalogue import ACTIONS
from calmtui.providers.kubernetes.ids import Place, place
from calmtui.providers.kubernetes.kinds import KINDS
from calmtui.providers.kubernetes.machines import named_namespace
from tests.unit.providers.kubernetes_objects import UP, nodes, pod

NAMES = {action.name for action in ACTIONS}


def deployment(spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> Node:
    return nodes("deployment", metadata=metadata, spec=spec, status=status)[0]


@pytest.mark.parametrize(
    ("spec", "status", "state", "raw_state", "reason"),
    [
        ({"replicas": 3}, {"readyReplicas": 3, "updatedReplicas": 3}, State.RUNNING, "3/3", ""),
        ({}, {"readyReplicas": 1, "updatedReplicas": 1}, State.RUNNING, "1/1", ""),
        ({"replicas": 3}, {"readyReplicas": 2, "updatedReplicas": 3}, State.DEGRADED, "2/3", "2 of 3 ready"),
        (
            {"replicas": 3},
            {"readyReplicas": 3, "updatedReplicas": 1},
            State.RUNNING,
            "3/3",
            "rolling out: 1 of 3 updated",
        ),
        ({"replicas": 0}, {}, State.STOPPED, "0/0", "scaled to 0"),
        (
            {"replicas": 1, "paused": True},
            {"readyReplicas": 1, "updatedReplicas": 1},
            State.RUNNING,
            "1/1",
            "rollout paused",
        ),
        (
            {"replicas": 2},
            {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
            State.FAILED,
            "0/2",
            "0 of 2 ready; ProgressDeadlineExceeded",
        ),
        (
            {"replicas": 2},
            {
                "readyReplicas": 1,
                "conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}],
            },
            State.DEGRADED,
            "1/2",
            "1 of 2 ready; exceeded quota",
        ),
    ],
)
def test_a_deployment_is_degraded_when_replicas_are_missing(
    spec: dict[str, Any], status: dict[str, Any], state: State, raw_state: str, reason: str
) -> None:
    found = deployment(spec, status)

    assert (found.state, found.raw_state, found.reason) == (state, raw_state, reason)


def test_a_deployment_whose_controller_lags_is_pending() -> None:
    found = deployment({"replicas": 1}, {"observedGeneration": 1, "readyReplicas": 1}, generation=2)

    assert found.state is State.PENDING


@pytest.mark.parametrize(
    ("status", "state", "raw_state"),
    [
        ({"active": 1}, State.RUNNING, "Running"),
        ({}, State.PENDING, "Pending"),
        ({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}, State.STOPPED, "Complete"),
        (
            {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
            State.FAILED,
            "Failed",
        ),
    ],
)
def test_a_job_is_running_done_or_failed(status: dict[str, Any], state: State, raw_state: str) -> None:
    found = nodes("job", status=status)[0]

    assert (found.state, found.raw_state) == (state, raw_state)


def test_a_daemon_set_counts_nodes_rather_than_replicas() -> None:
    status = {"desiredNumberScheduled": 3, "numberReady": 2, "updatedNumberScheduled": 3, "numberMisscheduled": 1}
    found = nodes("daemonset", status=status)[0]

    assert (found.state, found.raw_state, found.reason) == (State.DEGRADED, "2/3", "2 of 3 ready")
    assert found.facts["on wrong nodes"] == "1"
    assert "scale" not in found.actions


def machine(conditions: dict[str, str], **spec: Any) -> Node:
    listed = [{"type": kind, "status": status, "message": f"{kind} says so"} for kind, status in conditions.items()]
    return nodes(
        "node",
        metadata={
            "namespace": "",
            "labels": {"topology.kubernetes.io/region": "eu-west-1", "node-role.kubernetes.io/worker": ""},
        },
        spec=spec,
        status={
            "conditions": listed,
            "nodeInfo": {"kubeletVersion": "v1.20.2", "machineID": "3d12"},
            "addresses": [{"type": "Hostname", "address": "web"}, {"type": "InternalIP", "address": "10.0.0.7"}],
        },
    )[0]


@pytest.mark.parametrize(
    ("conditions", "spec", "state", "raw_state", "reason"),
    [
        ({"Ready": "True"}, {}, State.RUNNING, "Ready", ""),
        ({"Ready": "True"}, {"unschedulable": True}, State.RUNNING, "Ready,SchedulingDisabled", "cordoned"),
        ({"Ready": "False"}, {}, State.FAILED, "NotReady", "Ready says so"),
        ({"Ready": "Unknown"}, {}, State.UNKNOWN, "NotReady", "Ready says so"),
        ({}, {}, State.UNKNOWN, "NotReady", "its kubelet says nothing"),
        ({"Ready": "True", "DiskPressure": "True"}, {}, State.DEGRADED, "Ready", "DiskPressure"),
    ],
)
def test_a_machine_is_ready_pressed_cordoned_or_lost(
    conditions: dict[str, str], spec: dict[str, Any], state: State, raw_state: str, reason: str
) -> None:
    found = machine(conditions, **spec)

    assert (found.state, found.raw_state, found.reason) == (state, raw_state, reason)
    assert (found.id, found.region, found.addresses) == ("k8s:lab/node/web", "eu-west-1", ("10.0.0.7", "web"))
    assert found.facts["roles"] == "worker"


def test_a_machine_offers_to_be_cordoned_or_uncordoned_never_both() -> None:
    assert machine({"Ready": "True"}).actions == ("cordon", "drain")
    assert machine({"Ready": "True"}, unschedulable=True).actions == ("uncordon", "drain")


@pytest.mark.parametrize(
    ("provider_id", "aliases"),
    [
        ("aws:///eu-west-1b/i-0ab12", ("ec2:i-0ab12", "machine:3d12")),
        ("aws:///eu-west-1b/fargate-ip-10-2-4-7", ("machine:3d12",)),
        ("gce://shop/europe-west1-b/i-am-no-instance", ("machine:3d12",)),
        ("", ("machine:3d12",)),
    ],
)
def test_a_machine_is_known_to_others_by_its_ec2_instance_and_its_machine_id(
    provider_id: str, aliases: tuple[str, ...]
) -> None:
    assert machine({"Ready": "True"}, providerID=provider_id).aliases == aliases


def test_a_pod_runs_on_its_node_and_its_containers_go_by_the_ids_of_their_runtime() -> None:
    spec = {"containers": [{"name": "main"}, {"name": "new"}], "nodeName": "edge-7"}
    own, main, new = pod({"containerStatuses": [UP | {"containerID": "docker://3f2a"}]}, spec)

    assert own.runs_on == "k8s:lab/node/edge-7"
    assert (main.aliases, new.aliases) == (("container:3f2a",), ())


def test_every_action_of_a_node_is_in_the_catalogue() -> None:
    offered = {action for kind in KINDS for node in nodes(kind) for action in node.actions}

    assert offered | {"uncordon"} == NAMES


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_object_without_status_is_a_node_all_the_same(kind: str) -> None:
    top = nodes(kind)[0]

    assert (top.kind, top.name, top.source) == (kind, "web", "lab")
    assert top.created == pytest.approx(1795230943)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("namespace", Place("web", "namespace", "web")),
        ("node", Place("", "node", "web")),
        ("deployment", Place("shop", "deployment", "web")),
        ("pod", Place("shop", "pod", "web")),
    ],
)
def test_the_place_of_an_object_can_be_read_off_its_node(kind: str, expected: Place) -> None:
    assert place(nodes(kind)[0]) == expected


def test_the_place_of_a_container_is_its_pod_and_its_name() -> None:
    assert place(pod({})[1]) == Place("shop", "pod", "web", "main")


def test_a_namespace_called_node_is_not_a_machine() -> None:
    assert place(named_namespace("lab", "node")) == Place("node", "namespace", "node")
