"""The kinds of object that are in the tree: where the API serves them, how they are decoded, what they become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import msgspec

from calmtui.fleet.node import Node, NodeId
from calmtui.providers.kubernetes.ids import namespace_id, node_id, object_id
from calmtui.providers.kubernetes.machines import machine_node, namespace_node
from calmtui.providers.kubernetes.pods import pod_ids, pod_nodes
from calmtui.providers.kubernetes.wire import ClusterNode, Job, Listing, Meta, Namespace, Pod, Workload
from calmtui.providers.kubernetes.workloads import daemonset_node, deployment_node, job_node, statefulset_node


@dataclass(frozen=True)
class Kind:
    """One kind of object."""

    name: str
    """As nodes and scopes have it: singular."""
    group: str
    """Where it is served: `api/v1`, `apis/apps/v1`."""
    plural: str
    wire: Any
    """The struct that it is decoded into."""
    nodes: Callable[[str, Any], list[Node]]
    """The nodes of an object of the source of that name."""
    ids: Callable[[str, Any], list[NodeId]]
    """The ids of those nodes, for when the object is gone."""
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of an object, or of the collection; the whole cluster's without a namespace."""
        parts = [f"/{self.group}"]
        if namespace and self.namespaced:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/".join(parts)

    @cached_property
    def page(self) -> msgspec.json.Decoder[Listing[Any]]:
        """Decodes a page of a listing."""
        return msgspec.json.Decoder(Listing[self.wire])  # type: ignore[name-defined]  # known at run time only

    @cached_property
    def one(self) -> msgspec.json.Decoder[Any]:
        """Decodes an object."""
        return msgspec.json.Decoder(self.wire)


def _single(make: Callable[[str, Any], Node]) -> Callable[[str, Any], list[Node]]:
    return lambda source, item: [make(source, item)]


def _id_of(kind: str) -> Callable[[str, Any], list[NodeId]]:
    def ids(source: str, item: Any) -> list[NodeId]:
        meta: Meta = item.metadata
        return [object_id(source, meta.namespace, kind, meta.name)]

    return ids


NAMESPACE = Kind(
    "namespace",
    "api/v1",
    "namespaces",
    Namespace,
    _single(namespace_node),
    lambda source, item: [namespace_id(source, item.metadata.name)],
    namespaced=False,
)
MACHINE = Kind(
    "node",
    "api/v1",
    "nodes",
    ClusterNode,
    _single(machine_node),
    lambda source, item: [node_id(source, item.metadata.name)],
    namespaced=False,
)
DEPLOYMENT = Kind("deployment", "apis/apps/v1", "deployments", Workload, _single(deployment_node), _id_of("deployment"))
STATEFULSET = Kind(
    "statefulset", "apis/apps/v1", "statefulsets", Workload, _single(statefulset_node), _id_of("statefulset")
)
DAEMONSET = Kind("daemonset", "apis/apps/v1", "daemonsets", Workload, _single(daemonset_node), _id_of("daemonset"))
JOB = Kind("job", "apis/batch/v1", "jobs", Job, _single(job_node), _id_of("job"))
POD = Kind("pod", "api/v1", "pods", Pod, pod_nodes, pod_ids)

KINDS = {kind.name: kind for kind in (NAMESPACE, MACHINE, DEPLOYMENT, STATEFULSET, DAEMONSET, JOB, POD)}
