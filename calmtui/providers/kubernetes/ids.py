"""Ids of nodes, and what they say: `k8s:SOURCE/NS/KIND/NAME`. Kubernetes allows no slash in any of these names."""

from __future__ import annotations

from typing import NamedTuple

from calmtui.fleet.node import Node, NodeId


def namespace_id(source: str, namespace: str) -> NodeId:
    """The id of a namespace."""
    return f"k8s:{source}/{namespace}"


def object_id(source: str, namespace: str, kind: str, name: str) -> NodeId:
    """The id of a workload or pod."""
    return f"k8s:{source}/{namespace}/{kind}/{name}"


def container_id(source: str, namespace: str, pod: str, container: str) -> NodeId:
    """The id of a container."""
    return f"k8s:{source}/{namespace}/pod/{pod}/{container}"


def node_id(source: str, name: str) -> NodeId:
    """The id of a machine of the cluster."""
    return f"k8s:{source}/node/{name}"


class Place(NamedTuple):
    """Where the object behind a node is found. `namespace` is empty for machines; `container` for all but containers.

    For a container, `kind` and `name` are its pod's.
    """

    namespace: str
    kind: str
    name: str
    container: str = ""


def place(node: Node) -> Place:
    """The place of a node, read off its id."""
    parts = node.id.removeprefix(f"k8s:{node.source}/").split("/")
    if node.kind == "namespace":
        return Place(parts[0], "namespace", parts[0])
    if node.kind == "node":
        return Place("", "node", parts[1])
    return Place(*parts)
