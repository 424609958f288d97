"""Pods and their containers as nodes. Pure: what the API says in, nodes out."""

from __future__ import annotations

import time
from collections.abc import Iterator

from calmtui.fleet.node import Node, NodeId, State
from calmtui.providers.kubernetes.ids import container_id, namespace_id, node_id, object_id
from calmtui.providers.kubernetes.wire import ContainerSpec, ContainerStatus, Meta, Pod

WONT_START = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
    }
)
"""Reasons for waiting that do not end by waiting."""

POD_OFFERS = ("logs", "exec", "shell", "describe", "events")
REST_OFFERS = ("logs", "describe", "events")
"""What can be asked of a pod or container that runs, and of one that does not."""


def pod_nodes(source: str, pod: Pod) -> list[Node]:
    """The pod's node, then its containers'."""
    at = time.time()
    meta = pod.metadata
    state, raw_state, reason = _pod_state(pod)
    pod_id = object_id(source, meta.namespace, "pod", meta.name)
    statuses = {status.name: status for status in pod.status.container_statuses or ()}
    main = pod.spec.containers or []
    containers = [_container_node(source, pod, pod_id, spec, status, at) for spec, status in _containers(pod, statuses)]
    ready = sum(status.ready for status in statuses.values())
    facts = {"ready": f"{ready}/{len(main)}"}
    if pod.spec.node_name:
        facts["node"] = pod.spec.node_name
    if meta.owner_references:
        facts["made by"] = f"{meta.owner_references[0].kind} {meta.owner_references[0].name}"
    return [
        Node(
            id=pod_id,
            kind="pod",
            name=meta.name,
            source=source,
            parent=_parent(source, meta),
            state=state,
            raw_state=raw_state,
            reason=reason,
            labels=meta.labels or {},
            addresses=(pod.status.pod_ip,) if pod.status.pod_ip else (),
            image=main[0].image if main else "",
            created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else None,
            restarts=sum(status.restart_count for status in statuses.values()),
            actions=("delete",),
            offers=POD_OFFERS if any(status.state.running for status in statuses.values()) else REST_OFFERS,
            facts=facts,
            runs_on=node_id(source, pod.spec.node_name) if pod.spec.node_name else "",
            observed_at=at,
        ),
        *containers,
    ]


def pod_ids(source: str, pod: Pod) -> list[NodeId]:
    """The ids of the nodes that `pod_nodes` makes of a pod."""
    meta = pod.metadata
    names = [spec.name for spec in (*(pod.spec.init_containers or ()), *(pod.spec.containers or ()))]
    return [
        object_id(source, meta.namespace, "pod", meta.name),
        *(container_id(source, meta.namespace, meta.name, name) for name in names),
    ]


def _containers(
    pod: Pod, statuses: dict[str, ContainerStatus]
) -> Iterator[tuple[ContainerSpec, ContainerStatus | None]]:
    """Every container of the pod with its status, if the kubelet has given one yet; init containers first."""
    if pod.spec.init_containers:
        init = {status.name: status for status in pod.status.init_container_statuses or ()}
        for spec in pod.spec.init_containers:
            yield spec, init.get(spec.name)
    for spec in pod.spec.containers or ():
        yield spec, statuses.get(spec.name)


def _parent(source: str, meta: Meta) -> NodeId:
    """What the pod hangs under.

    A deployment names its replica sets NAME-HASH and labels their pods with the same hash, so a pod
    leads to its deployment without listing replica sets. What else makes pods is not in the tree:
    such pods hang under their namespace.
    """
    owner = next((owner for owner in meta.owner_references or () if owner.controller), None)
    if owner is not None:
        if owner.kind == "ReplicaSet":
            suffix = "-" + (meta.labels or {}).get("pod-template-hash", "")
            if len(suffix) > 1 and owner.name.endswith(suffix):
                return object_id(source, meta.namespace, "deployment", owner.name.removesuffix(suffix))
        elif owner.kind in ("StatefulSet", "DaemonSet", "Job"):
            return object_id(source, meta.namespace, owner.kind.lower(), owner.name)
    return namespace_id(source, meta.namespace)


# -- the state of a pod -----------------------------------------------------------


def _pod_state(pod: Pod) -> tuple[State, str, str]:
    """State, the word that `kubectl get pods` shows, and why."""
    phase = pod.status.reason or pod.status.phase
    if pod.metadata.deletion_timestamp is not None:
        lost = pod.status.reason == "NodeLost"
        return (State.UNKNOWN, "Unknown", "its node is lost") if lost else (State.STOPPING, "Terminating", "")
    if pod.status.phase == "Succeeded":
        return State.STOPPED, "Completed", ""
    if pod.status.phase == "Unknown":
        return State.UNKNOWN, phase, pod.status.message
    init = _init_trouble(pod)
    if init is not None:
        return init
    statuses = pod.status.container_statuses or ()
    for status in statuses:
        waiting = status.state.waiting
        if waiting is not None and waiting.reason and waiting.reason != "ContainerCreating":
            state = State.FAILED if waiting.reason in WONT_START else State.PENDING
            return state, waiting.reason, _why(status)
    ended = [status for status in statuses if status.state.terminated is not None]
    if pod.status.phase == "Failed":
        return State.FAILED, _ended(ended[0]) if ended and not pod.status.reason else phase, pod.status.message
    if pod.status.phase == "Pending":
        if any(status.state.waiting is not None for status in statuses):
            return State.PENDING, "ContainerCreating", ""
        return State.PENDING, phase, _unscheduled(pod)
    bad = next((status for status in ended if status.state.terminated and status.state.terminated.exit_code), None)
    if bad is not None:
        return State.DEGRADED, _ended(bad), f"container {bad.name} ended"
    return _running(pod, statuses, phase)


def _running(pod: Pod, statuses: list[ContainerStatus] | tuple[()], phase: str) -> tuple[State, str, str]:
    ready = sum(status.ready for status in statuses)
    ended_well = sum(status.state.terminated is not None for status in statuses)
    wanted = len(pod.spec.containers or ())
    if ready + ended_well >= wanted:
        return State.RUNNING, phase, ""
    starting = any(status.started is False for status in statuses)
    why = next((_why(status) for status in statuses if not status.ready and _why(status)), "")
    reason = f"{ready} of {wanted} ready" + (f"; {why}" if why else "")
    return State.PENDING if starting else State.DEGRADED, phase, reason


def _init_trouble(pod: Pod) -> tuple[State, str, str] | None:
    """The state while an init container has not done its part; None when all have."""
    wanted = pod.spec.init_containers or ()
    sidecars = {spec.name for spec in wanted if spec.restart_policy == "Always"}
    statuses = pod.status.init_container_statuses or ()
    done = 0
    for status in statuses:
        terminated = status.state.terminated
        if (terminated is not None and terminated.exit_code == 0) or (status.name in sidecars and status.started):
            done += 1
            continue
        if terminated is not None:
            return State.FAILED, f"Init:{_ended(status)}", f"init container {status.name} ended"
        waiting = status.state.waiting
        if waiting is not None and waiting.reason not in ("", "PodInitializing", "ContainerCreating"):
            state = State.FAILED if waiting.reason in WONT_START else State.PENDING
            return state, f"Init:{waiting.reason}", _why(status)
        return State.PENDING, f"Init:{done}/{len(wanted)}", ""
    return None


def _unscheduled(pod: Pod) -> str:
    """Why no node took the pod."""
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return f"{condition.reason}: {condition.message}" if condition.message else condition.reason
    return ""


def _ended(status: ContainerStatus) -> str:
    """How a container ended, in the words of kubectl."""
    terminated = status.state.terminated
    if terminated is None:
        return ""
    if terminated.reason:
        return terminated.reason
    return f"Signal:{terminated.signal}" if terminated.signal else f"ExitCode:{terminated.exit_code}"


def _why(status: ContainerStatus) -> str:
    """Why a container does not run: what it waits for, and how it last ended."""
    last = status.last_state.terminated
    waiting = status.state.waiting
    if last is not None:
        how = f" ({last.reason})" if last.reason and last.reason != "Error" else ""
        return f"last exit {last.exit_code}{how}"
    return waiting.message if waiting is not None else ""


# -- containers -------------------------------------------------------------------


def _container_node(
    source: str, pod: Pod, pod_id: NodeId, spec: ContainerSpec, status: ContainerStatus | None, at: float
) -> Node:
    meta = pod.metadata
    state, raw_state, reason = _container_state(status)
    running = status is not None and status.state.running is not None
    started = status.state.running.started_at if status is not None and status.state.running is not None else None
    return Node(
        id=f"{pod_id}/{spec.name}",
        kind="container",
        name=spec.name,
        source=source,
        parent=pod_id,
        state=state,
        raw_state=raw_state,
        reason=reason,
        labels=meta.labels or {},
        image=spec.image,
        created=started.timestamp() if started else None,
        restarts=status.restart_count if status else None,
        offers=POD_OFFERS if running else REST_OFFERS,
        aliases=_aliases(status),
        observed_at=at,
    )


def _aliases(status: ContainerStatus | None) -> tuple[str, ...]:
    """The container's id as its runtime has it, such as `docker://3f2a…`."""
    runtime_id = status.container_id.partition("://")[2] if status else ""
    return (f"container:{runtime_id}",) if runtime_id else ()


def _container_state(status: ContainerStatus | None) -> tuple[State, str, str]:
    if status is None:
        return State.PENDING, "", ""
    if status.state.running is not None:
        if status.ready:
            return State.RUNNING, "Running", ""
        if status.started is False:
            return State.PENDING, "Running", "has not passed its start-up probe"
        return State.DEGRADED, "Running", "not ready"
    if status.state.terminated is not None:
        ended = status.state.terminated
        return (
            (State.FAILED if ended.exit_code else State.STOPPED),
            _ended(status),
            (f"exit {ended.exit_code}" if ended.exit_code else ""),
        )
    waiting = status.state.waiting
    word = waiting.reason if waiting is not None else ""
    return (State.FAILED if word in WONT_START else State.PENDING), word, _why(status)
