"""Deployments, stateful sets, daemon sets and jobs as nodes. Pure: what the API says in, nodes out."""

from __future__ import annotations

import time
from collections.abc import Iterable

from calmtui.fleet.node import Node, State
from calmtui.providers.kubernetes.ids import namespace_id, object_id
from calmtui.providers.kubernetes.wire import Condition, Job, Meta, PodSpec, Workload

OFFERS = ("logs", "describe", "events")


def deployment_node(source: str, item: Workload) -> Node:
    """The node of a deployment."""
    desired = 1 if item.spec.replicas is None else item.spec.replicas
    state, reason = _deployment_state(item, desired)
    facts = {
        "replicas": f"{item.status.ready_replicas}/{desired}",
        "updated": str(item.status.updated_replicas),
        "available": str(item.status.available_replicas),
    }
    actions = ("rollout-restart", "scale", "delete-workload")
    return _node(source, "deployment", item.metadata, item.spec.template.spec, state, reason, facts, actions)


def statefulset_node(source: str, item: Workload) -> Node:
    """The node of a stateful set."""
    desired = 1 if item.spec.replicas is None else item.spec.replicas
    state, reason = _counted(desired, item.status.ready_replicas, item.status.updated_replicas, "scaled to 0")
    facts = {"replicas": f"{item.status.ready_replicas}/{desired}"}
    actions = ("rollout-restart", "scale", "delete-workload")
    return _node(source, "statefulset", item.metadata, item.spec.template.spec, state, reason, facts, actions)


def daemonset_node(source: str, item: Workload) -> Node:
    """The node of a daemon set."""
    status = item.status
    desired = status.desired_number_scheduled
    state, reason = _counted(desired, status.number_ready, status.updated_number_scheduled, "no node wants it")
    facts = {"ready": f"{status.number_ready}/{desired}"}
    if status.number_misscheduled:
        facts["on wrong nodes"] = str(status.number_misscheduled)
    actions = ("rollout-restart", "delete-workload")
    return _node(source, "daemonset", item.metadata, item.spec.template.spec, state, reason, facts, actions)


def job_node(source: str, item: Job) -> Node:
    """The node of a job."""
    status = item.status
    state, raw_state, reason = _job_state(item)
    facts = {"active": str(status.active), "succeeded": str(status.succeeded), "failed": str(status.failed)}
    return _node(source, "job", item.metadata, item.spec.template.spec, state, reason, facts, ("delete",), raw_state)


def _node(
    source: str,
    kind: str,
    meta: Meta,
    pod: PodSpec,
    state: State,
    reason: str,
    facts: dict[str, str],
    actions: tuple[str, ...],
    raw_state: str = "",
) -> Node:
    deleting = meta.deletion_timestamp is not None
    return Node(
        id=object_id(source, meta.namespace, kind, meta.name),
        kind=kind,
        name=meta.name,
        source=source,
        parent=namespace_id(source, meta.namespace),
        state=State.STOPPING if deleting else state,
        raw_state="Terminating" if deleting else raw_state or next(iter(facts.values())),
        reason=reason,
        labels=meta.labels or {},
        image=pod.containers[0].image if pod.containers else "",
        created=meta.creation_timestamp.timestamp() if meta.creation_timestamp else None,
        actions=actions,
        offers=OFFERS,
        facts=facts,
        observed_at=time.time(),
    )


def _counted(desired: int, ready: int, updated: int, when_none: str) -> tuple[State, str]:
    """State and reason from the counts that every workload has."""
    if desired == 0:
        return State.STOPPED, when_none
    if ready < desired:
        return State.DEGRADED, f"{ready} of {desired} ready"
    if updated < desired:
        return State.RUNNING, f"rolling out: {updated} of {desired} updated"
    return State.RUNNING, ""


def _deployment_state(item: Workload, desired: int) -> tuple[State, str]:
    status = item.status
    if status.observed_generation < item.metadata.generation:
        return State.PENDING, "its controller has not seen the last change"
    state, reason = _counted(desired, status.ready_replicas, status.updated_replicas, "scaled to 0")
    refused = _condition(status.conditions, "ReplicaFailure", "True")
    stuck = _condition(status.conditions, "Progressing", "False")
    trouble = refused or stuck
    if trouble is not None and desired:
        reason = f"{reason}; {trouble.message or trouble.reason}" if reason else trouble.message or trouble.reason
        state = State.DEGRADED if status.ready_replicas else State.FAILED
    if item.spec.paused:
        reason = f"{reason}; rollout paused" if reason else "rollout paused"
    return state, reason


def _job_state(item: Job) -> tuple[State, str, str]:
    status = item.status
    failed = _condition(status.conditions, "Failed", "True")
    if failed is not None:
        return State.FAILED, "Failed", failed.message or failed.reason
    if _condition(status.conditions, "Complete", "True") is not None:
        return State.STOPPED, "Complete", ""
    if item.spec.suspend:
        return State.STOPPED, "Suspended", ""
    if status.active:
        return State.RUNNING, "Running", f"{status.failed} failed so far" if status.failed else ""
    return State.PENDING, "Pending", ""


def _condition(conditions: Iterable[Condition] | None, kind: str, status: str) -> Condition | None:
    return next((found for found in conditions or () if found.type == kind and found.status == status), None)
