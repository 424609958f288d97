"""What the nodes of a cluster should be, from `kubectl get -o json` and from kubectl's own tables."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.integration.oracle import Truth
from tests.lab.kube import Kube

Object = dict[str, Any]

KINDS = "namespaces,nodes,deployments,statefulsets,daemonsets,jobs,pods"
HOPELESS = ("CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "CreateContainerConfigError")
"""What `kubectl get pods` shows for a container that will not start by waiting."""


def truth(cluster: Kube, *sources: str) -> Truth:
    """The nodes of every object, under each of the sources that look at the cluster."""
    items = json.loads(cluster.kubectl("get", KINDS, "-A", "-o", "json"))["items"]
    shown = _shown(cluster.kubectl("get", "pods", "-A", "--no-headers"))
    return {
        f"k8s:{source}/{path}": {
            **fields,
            "parent": fields["parent"] and f"k8s:{source}/{fields['parent']}",
        }
        for item in items
        for path, fields in _nodes(item, shown).items()
        for source in sources
    }


def _shown(table: str) -> dict[tuple[str, str], tuple[str, str, int]]:
    """READY, STATUS and RESTARTS of pods by namespace and name."""
    rows = [line.split() for line in table.splitlines()]
    return {(row[0], row[1]): (row[2], row[3], int(row[4])) for row in rows}


def _nodes(item: Object, shown: dict[tuple[str, str], tuple[str, str, int]]) -> Truth:
    meta, kind = item["metadata"], item["kind"]
    common = {"name": meta["name"], "labels": meta.get("labels", {}), "kind": kind.lower()}
    space = meta.get("namespace", "")
    match kind:
        case "Namespace":
            ending = item["status"]["phase"] == "Terminating"
            state = "stopping" if ending else "running"
            return {meta["name"]: common | {"parent": None, "state": state, "raw_state": item["status"]["phase"]}}
        case "Node":
            return {f"node/{meta['name']}": common | _machine(item)}
        case "Pod":
            return _pod(item, common, shown.get((space, meta["name"])))
    fields = _job(item) if kind == "Job" else _workload(item)
    if "deletionTimestamp" in meta:
        fields |= {"state": "stopping", "raw_state": "Terminating"}
    fields["image"] = item["spec"]["template"]["spec"]["containers"][0]["image"]
    return {f"{space}/{kind.lower()}/{meta['name']}": common | {"parent": space} | fields}


def _machine(item: Object) -> dict[str, Any]:
    status = item["status"]
    conditions = {found["type"]: found for found in status.get("conditions", ())}
    ready = conditions.get("Ready", {}).get("status", "Unknown")
    pressed = [name for name, found in conditions.items() if name != "Ready" and found["status"] == "True"]
    state = {"True": "degraded" if pressed else "running", "False": "failed", "Unknown": "unknown"}[ready]
    cordoned = item["spec"].get("unschedulable", False)
    addresses = {found["type"]: found["address"] for found in status.get("addresses", ())}
    return {
        "parent": None,
        "state": state,
        "raw_state": ("Ready" if ready == "True" else "NotReady") + (",SchedulingDisabled" if cordoned else ""),
        "addresses": tuple(dict.fromkeys(addresses[kind] for kind in ("InternalIP", "Hostname") if kind in addresses)),
        "image": status["nodeInfo"]["kubeletVersion"],
        "actions": ("uncordon" if cordoned else "cordon", "drain"),
    }


def _workload(item: Object) -> dict[str, Any]:
    status = item.get("status", {})
    if item["kind"] == "DaemonSet":
        wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
        updated = status.get("updatedNumberScheduled", 0)
    else:
        wanted, ready = item["spec"]["replicas"], status.get("readyReplicas", 0)
        updated = status.get("updatedReplicas", 0)
    if item["kind"] == "Deployment" and status.get("observedGeneration", 0) < item["metadata"]["generation"]:
        state, reason = "pending", "its controller has not seen the last change"
    elif not wanted:
        state, reason = "stopped", "no node wants it" if item["kind"] == "DaemonSet" else "scaled to 0"
    elif ready < wanted:
        state, reason = "degraded", f"{ready} of {wanted} ready"
    else:
        state, reason = "running", "" if updated >= wanted else f"rolling out: {updated} of {wanted} updated"
    return {"state": state, "reason": reason, "raw_state": f"{ready}/{wanted}"}


def _job(item: Object) -> dict[str, Any]:
    status = item.get("status", {})
    conditions = {found["type"] for found in status.get("conditions", ()) if found["status"] == "True"}
    if "Failed" in conditions:
        return {"state": "failed", "raw_state": "Failed"}
    if "Complete" in conditions:
        return {"state": "stopped", "raw_state": "Complete"}
    return {"state": "running", "raw_state": "Running"} if status.get("active") else {"state": "pending"}


# -- pods ------------------------------------------------------------------------------


def _pod(item: Object, common: dict[str, Any], row: tuple[str, str, int] | None) -> Truth:
    meta, spec, status = item["metadata"], item["spec"], item["status"]
    path = f"{meta['namespace']}/pod/{meta['name']}"
    statuses = {found["name"]: found for found in status.get("containerStatuses", ())}
    state, raw_state = _pod_state(item)
    fields = common | {
        "parent": _parent(meta),
        "state": state,
        "raw_state": raw_state,
        "image": spec["containers"][0]["image"],
        "addresses": (status["podIP"],) if status.get("podIP") else (),
        "restarts": sum(found["restartCount"] for found in statuses.values()),
    }
    if row is not None:
        ready, word, restarts = row
        fields["restarts"] = restarts
        if len(spec["containers"]) == 1:
            fields["raw_state"] = word
        wanted = int(ready.split("/")[1])
        if state == "degraded" and raw_state == "Running":
            fields["reason"] = f"{ready.split('/')[0]} of {wanted} ready"
    containers = {
        f"{path}/{found['name']}": _container(found, statuses.get(found["name"]), path, common["labels"])
        for found in spec["containers"]
    }
    return {path: fields} | containers


def _pod_state(item: Object) -> tuple[str, str]:
    status = item["status"]
    phase, statuses = status["phase"], status.get("containerStatuses", ())
    waiting = [found["state"]["waiting"].get("reason", "") for found in statuses if "waiting" in found["state"]]
    ended = [found["state"]["terminated"] for found in statuses if "terminated" in found["state"]]
    stuck = [reason for reason in waiting if reason not in ("", "ContainerCreating")]
    if "deletionTimestamp" in item["metadata"]:
        return "stopping", "Terminating"
    if phase == "Succeeded":
        return "stopped", "Completed"
    if stuck:
        return ("failed" if stuck[0] in HOPELESS else "pending"), stuck[0]
    if phase == "Failed":
        return "failed", status.get("reason") or (ended[0]["reason"] if ended else phase)
    if phase == "Pending":
        return "pending", "ContainerCreating" if waiting else phase
    if bad := [found for found in ended if found["exitCode"]]:
        return "degraded", bad[0]["reason"]
    well = sum(found["ready"] for found in statuses) + len(ended) >= len(item["spec"]["containers"])
    return ("running" if well else "degraded"), "Running"


def _parent(meta: Object) -> str:
    for owner in meta.get("ownerReferences", ()):
        if owner["kind"] == "ReplicaSet":
            return f"{meta['namespace']}/deployment/{re.sub('-[a-z0-9]+$', '', owner['name'])}"
        if owner["kind"] in ("StatefulSet", "DaemonSet", "Job"):
            return f"{meta['namespace']}/{owner['kind'].lower()}/{owner['name']}"
    return str(meta["namespace"])


def _container(spec: Object, status: Object | None, pod: str, labels: dict[str, str]) -> dict[str, Any]:
    fields = {"kind": "container", "name": spec["name"], "parent": pod, "image": spec["image"], "labels": labels}
    if status is None:
        return fields | {"state": "pending", "restarts": None}
    fields["restarts"] = status["restartCount"]
    if "running" in status["state"]:
        return fields | {"state": "running" if status["ready"] else "degraded", "raw_state": "Running"}
    if ended := status["state"].get("terminated"):
        reason = f"exit {ended['exitCode']}" if ended["exitCode"] else ""
        state = "failed" if ended["exitCode"] else "stopped"
        return fields | {"state": state, "raw_state": ended["reason"], "reason": reason}
    word = status["state"]["waiting"].get("reason", "")
    return fields | {"state": "failed" if word in HOPELESS else "pending", "raw_state": word}
