"""How far a workload has come with its last change, decided as `kubectl rollout status` does. Pure.

After kubectl's rollout_status.go: the controller has to have seen the change first; then its counts tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from calmtui.providers.base import Rollout

Object = Mapping[str, Any]


def rollout_of(kind: str, item: Object) -> Rollout:
    """Of a `deployment`, `statefulset` or `daemonset`, as the API has it."""
    spec, status = item.get("spec", {}), item.get("status", {})
    strategy = spec.get("updateStrategy", {})
    if kind != "deployment" and strategy.get("type", "RollingUpdate") != "RollingUpdate":
        said = f"its update strategy is {strategy['type']}: pods are replaced when somebody deletes them"
        return Rollout(False, said, failed=True)
    if status.get("observedGeneration", 0) < item.get("metadata", {}).get("generation", 0):
        return Rollout(False, "its controller has not seen the last change")
    return _KINDS[kind](spec, status)


def _deployment(spec: Object, status: Object) -> Rollout:
    stuck: Object = next((each for each in status.get("conditions", ()) if each.get("type") == "Progressing"), {})
    if stuck.get("reason") == "ProgressDeadlineExceeded":
        return Rollout(False, stuck.get("message") or "it exceeded its progress deadline", failed=True)
    if spec.get("paused"):
        return Rollout(False, "its rollout is paused", failed=True)
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    replicas, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    if updated < wanted:
        return Rollout(False, f"{updated} of {wanted} replicas are new")
    if replicas > updated:
        return Rollout(False, f"{replicas - updated} old replicas have still to end")
    if available < updated:
        return Rollout(False, f"{available} of {updated} new replicas are available")
    return Rollout(True, f"{available} replicas, all new and available")


def _statefulset(spec: Object, status: Object) -> Rollout:
    wanted, ready, updated = spec.get("replicas", 1), status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted:
        return Rollout(False, f"{ready} of {wanted} replicas are ready")
    partition = spec.get("updateStrategy", {}).get("rollingUpdate", {}).get("partition", 0)
    if partition:
        new = max(wanted - partition, 0)
        done = updated >= new
        return Rollout(done, f"{updated} of {new} replicas are new (partition {partition})")
    if status.get("updateRevision") != status.get("currentRevision"):
        return Rollout(False, f"{updated} of {wanted} replicas are new")
    return Rollout(True, f"{ready} replicas, all new and ready")


def _daemonset(spec: Object, status: Object) -> Rollout:
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    available = status.get("numberAvailable", 0)
    if updated < wanted:
        return Rollout(False, f"{updated} of {wanted} pods are new")
    if available < wanted:
        return Rollout(False, f"{available} of {wanted} new pods are available")
    return Rollout(True, f"{available} pods, all new and available")


_KINDS: dict[str, Callable[[Object, Object], Rollout]] = {
    "deployment": _deployment,
    "statefulset": _statefulset,
    "daemonset": _daemonset,
}
