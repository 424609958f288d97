"""Which container of a pod is meant when a pod is named."""

from __future__ import annotations

from dataclasses import dataclass

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import POD

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


@dataclass(frozen=True)
class Target:
    """One container of one pod."""

    namespace: str
    pod: str
    container: str

    @property
    def name(self) -> str:
        """`namespace/pod/container`, for errors."""
        return f"{self.namespace}/{self.pod}/{self.container}"


async def target_of(api: Api, node: Node) -> Target:
    """The container in which to run things for a node: itself, or the pod's own choice, or its first.

    Raises a SourceError; UsageError when the node is neither container nor pod.
    """
    where = place(node)
    if where.kind != "pod":
        raise UsageError(f"commands run in pods and containers, not in a {where.kind}", where=node.id)
    if where.container:
        return Target(where.namespace, where.name, where.container)
    pod = await api.get_json(POD.path(where.namespace, where.name))
    names = [str(container["name"]) for container in pod["spec"]["containers"]]
    chosen = str((pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER))
    return Target(where.namespace, where.name, chosen if chosen in names else names[0])
