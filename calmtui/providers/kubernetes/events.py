"""What the cluster says happened to a node."""

from __future__ import annotations

from datetime import datetime

import msgspec

from calmtui.fleet.node import Node
from calmtui.providers.base import NodeEvent
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.errors import from_exception
from calmtui.providers.kubernetes.ids import Place, place
from calmtui.providers.kubernetes.wire import Listing, Wire

MOST = 100
"""How many events are shown: the latest."""
KIND_NAMES = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "job": "Job",
    "pod": "Pod",
    "node": "Node",
}


class Series(Wire, frozen=True):
    """An event that goes on happening."""

    count: int = 0
    last_observed_time: datetime | None = None


class EventMeta(Wire, frozen=True):
    """When the event was first written."""

    creation_timestamp: datetime | None = None


class Event(Wire, frozen=True):
    """An event, as `v1` has it. Of the four times, old and new components fill different ones."""

    metadata: EventMeta = EventMeta()
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int | None = None
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: Series | None = None


_page = msgspec.json.Decoder(Listing[Event])


async def events(api: Api, node: Node) -> list[NodeEvent]:
    """The latest events of a node, oldest first; of a namespace, all that is in it. Raises a SourceError."""
    where = place(node)
    path = f"/api/v1/namespaces/{where.namespace}/events" if where.namespace else "/api/v1/events"
    query = {"limit": "500", "fieldSelector": _selector(where)}
    found: list[Event] = []
    while True:
        try:
            page = _page.decode(await api.get(path, query))
        except msgspec.MsgspecError as error:
            raise from_exception(error, api.where) from error
        found += page.items or ()
        if not page.metadata.continue_:
            break
        query["continue"] = page.metadata.continue_
    return sorted(map(_node_event, found), key=lambda event: event.at)[-MOST:]


def _selector(where: Place) -> str:
    if where.kind == "namespace":
        return ""
    wanted = f"involvedObject.kind={KIND_NAMES[where.kind]},involvedObject.name={where.name}"
    return f"{wanted},involvedObject.fieldPath=spec.containers{{{where.container}}}" if where.container else wanted


def _node_event(event: Event) -> NodeEvent:
    series = event.series or Series()
    at = (
        series.last_observed_time
        or event.last_timestamp
        or event.event_time
        or event.first_timestamp
        or event.metadata.creation_timestamp
    )
    return NodeEvent(
        at=at.timestamp() if at else 0.0,
        reason=event.reason,
        text=event.message,
        trouble=event.type == "Warning",
        count=series.count or event.count or 1,
    )
