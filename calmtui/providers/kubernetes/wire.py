"""What the API server sends, reduced to the fields that become nodes.

msgspec skips everything else while it decodes, which is what makes 5,000 pods cheap. Lists that Go
sends as `null` are optional; everything else that may be missing has its default.
"""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

import msgspec


class Wire(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An object of the API, camelCase on the wire."""


class Owner(Wire, frozen=True):
    """Who made an object."""

    kind: str = ""
    name: str = ""
    controller: bool = False


class Meta(Wire, frozen=True):
    """Object metadata; annotations and managed fields are left on the wire."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] | None = None
    owner_references: list[Owner] | None = None


class Condition(Wire, frozen=True):
    """One of an object's conditions. `status` is `True`, `False` or `Unknown`."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""


# -- pods -----------------------------------------------------------------------


class Waiting(Wire, frozen=True):
    """Why a container does not run yet."""

    reason: str = ""
    message: str = ""


class Running(Wire, frozen=True):
    """Since when a container runs."""

    started_at: datetime | None = None


class Terminated(Wire, frozen=True):
    """How a container ended."""

    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""


class ContainerState(Wire, frozen=True):
    """One of the three is there; none means waiting."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Wire, frozen=True):
    """What the kubelet says about a container."""

    name: str
    container_id: str = msgspec.field(default="", name="containerID")
    """`RUNTIME://ID`; empty before it first starts."""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class ContainerSpec(Wire, frozen=True):
    """A container as asked for. An init container whose restart policy is `Always` is a sidecar."""

    name: str
    image: str = ""
    restart_policy: str = ""


class PodSpec(Wire, frozen=True):
    """A pod as asked for."""

    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None
    ephemeral_containers: list[ContainerSpec] | None = None
    node_name: str = ""


class PodStatus(Wire, frozen=True):
    """A pod as it is."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None
    ephemeral_container_statuses: list[ContainerStatus] | None = None


class Pod(Wire, frozen=True):
    """A pod."""

    metadata: Meta
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# -- workloads ------------------------------------------------------------------


class PodTemplateSpec(Wire, frozen=True):
    """The pod that a workload makes."""

    spec: PodSpec = PodSpec()


class WorkloadSpec(Wire, frozen=True):
    """The common part of deployment, stateful set and daemon set."""

    replicas: int | None = None
    paused: bool = False
    template: PodTemplateSpec = PodTemplateSpec()


class WorkloadStatus(Wire, frozen=True):
    """The counts of deployment and stateful set, then those of a daemon set."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    desired_number_scheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_misscheduled: int = 0
    conditions: list[Condition] | None = None


class Workload(Wire, frozen=True):
    """A deployment, stateful set or daemon set."""

    metadata: Meta
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class JobSpec(Wire, frozen=True):
    """A job as asked for."""

    completions: int | None = None
    suspend: bool = False
    template: PodTemplateSpec = PodTemplateSpec()


class JobStatus(Wire, frozen=True):
    """A job as it is: how many of its pods are in which state."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: list[Condition] | None = None


class Job(Wire, frozen=True):
    """A job."""

    metadata: Meta
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


# -- the cluster ------------------------------------------------------------------


class NamespaceStatus(Wire, frozen=True):
    """`Active` or `Terminating`."""

    phase: str = ""


class Namespace(Wire, frozen=True):
    """A namespace."""

    metadata: Meta
    status: NamespaceStatus = NamespaceStatus()


class Taint(Wire, frozen=True):
    """What keeps pods from a node."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(Wire, frozen=True):
    """A node as the cluster wants it."""

    unschedulable: bool = False
    provider_id: str = msgspec.field(default="", name="providerID")
    taints: list[Taint] | None = None


class NodeAddress(Wire, frozen=True):
    """`InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS`, `ExternalDNS`."""

    type: str = ""
    address: str = ""


class NodeInfo(Wire, frozen=True):
    """What the kubelet says about its machine."""

    machine_id: str = msgspec.field(default="", name="machineID")
    kubelet_version: str = ""
    kernel_version: str = ""
    os_image: str = ""
    architecture: str = ""
    container_runtime_version: str = ""


class NodeStatus(Wire, frozen=True):
    """A node as it is."""

    capacity: dict[str, str] | None = None
    conditions: list[Condition] | None = None
    addresses: list[NodeAddress] | None = None
    node_info: NodeInfo = NodeInfo()


class ClusterNode(Wire, frozen=True):
    """A machine of the cluster."""

    metadata: Meta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


# -- listings and watches -----------------------------------------------------------

Object = Pod | Workload | Job | Namespace | ClusterNode
Item = TypeVar("Item")


class ListMeta(Wire, frozen=True):
    """Where a listing stands. An empty `continue_` says that this was the last page."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Listing(Wire, Generic[Item], frozen=True):
    """One page of a listing."""

    metadata: ListMeta = ListMeta()
    items: list[Item] | None = None


class WatchEvent(Wire, frozen=True):
    """One line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR, and the object undecoded."""

    type: str
    object: msgspec.Raw


class Bookmark(Wire, frozen=True):
    """Any object, for its version alone."""

    metadata: ListMeta = ListMeta()


class ApiStatus(Wire, frozen=True):
    """How the API server says no (`kind: Status`)."""

    code: int = 0
    reason: str = ""
    message: str = ""
