"""What the API says of an object, to nodes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from calmtui.fleet.node import Node, State
from calmtui.providers.kubernetes.catalogue import ACTIONS
from calmtui.providers.kubernetes.ids import Place, place
from calmtui.providers.kubernetes.kinds import KINDS, POD
from calmtui.providers.kubernetes.machines import named_namespace

NAMES = {action.name for action in ACTIONS}


def nodes(kind: str, **fields: Any) -> list[Node]:
    """The nodes of an object as the API would send it."""
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-21T03:15:43Z"}
    raw = {**fields, "metadata": metadata | fields.get("metadata", {})}
    return KINDS[kind].nodes("lab", KINDS[kind].one.decode(msgspec.json.encode(raw)))


def pod(status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> list[Node]:
    """A pod's nodes; it has the one container `main` unless `spec` says otherwise."""
    return nodes(
        "pod", metadata=metadata, spec=spec or {"containers": [{"name": "main", "image": "shop/web:1"}]}, status=status
    )


def container(state: dict[str, Any], name: str = "main", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "shop/web:1", "state": state, **fields}


UP = container({"running": {"startedAt": "2026-11-21T03:16:00Z"}}, ready=True, started=True)


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
