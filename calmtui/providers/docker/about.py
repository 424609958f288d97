"""The engine itself as a node: the row beside its containers that other sources know as a host or a machine."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path

import msgspec

from calmtui.errors import SourceError, Unreachable
from calmtui.fleet.node import Node, State
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.nodes import engine_id

PATIENCE = 2.0
"""Seconds to wait for it: a stuck volume or storage driver holds up this answer and no other."""
_MACHINE_ID = Path("/etc/machine-id")
_GIB = 1 << 30


class Info(msgspec.Struct, frozen=True):
    """`GET /info`, reduced to what the node shows."""

    name: str = msgspec.field(name="Name", default="")
    """The host name of the machine that it runs on."""
    version: str = msgspec.field(name="ServerVersion", default="")
    system: str = msgspec.field(name="OperatingSystem", default="")
    kernel: str = msgspec.field(name="KernelVersion", default="")
    architecture: str = msgspec.field(name="Architecture", default="")
    cpus: int = msgspec.field(name="NCPU", default=0)
    memory: int = msgspec.field(name="MemTotal", default=0)
    """Bytes."""
    driver: str = msgspec.field(name="Driver", default="")
    images: int = msgspec.field(name="Images", default=0)


_info = msgspec.json.Decoder(Info).decode


async def about(engine: Engine, source: str) -> Node | None:
    """The engine's node, without the counts of its containers; None when there is no answer in time.

    Where it says nothing of itself, which is no trouble (a proxy may let through the containers alone),
    the node goes by the source's name and says why.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            info = _info(await engine.wire.get("/info"))
    except (TimeoutError, Unreachable):
        return None
    except SourceError as error:
        return engine_node(source, Info(), reason=f"it says nothing of itself: {error.what}")
    except msgspec.DecodeError as error:
        return engine_node(source, Info(), reason=f"it says nothing of itself: {engine.wire.error(error).what}")
    return engine_node(source, info, address=engine.address, machine="" if engine.address else _machine(info))


def engine_node(source: str, info: Info, *, address: str = "", machine: str = "", reason: str = "") -> Node:
    """`address`: of the engine's host, `machine`: the id of its machine; both empty where not known."""
    facts = {
        "images": str(info.images or ""),
        "os": info.system,
        "kernel": " ".join(filter(None, (info.kernel, info.architecture))),
        "cpus": str(info.cpus or ""),
        "memory": f"{info.memory / _GIB:.1f} GiB" if info.memory else "",
        "storage": info.driver,
    }
    return Node(
        id=engine_id(source),
        kind="engine",
        name=info.name or source,
        source=source,
        state=State.RUNNING,
        raw_state="up",
        reason=reason,
        addresses=(address,) if address else (),
        image=f"Docker {info.version}" if info.version else "",
        offers=("describe",),
        facts={name: value for name, value in facts.items() if value},
        aliases=(f"machine:{machine}",) if machine else (),
        observed_at=time.time(),
    )


def _machine(info: Info) -> str:
    """The id of this machine when the engine behind a socket has its host name; empty otherwise.

    The socket alone tells nothing: it may be forwarded from elsewhere, or lead into a virtual machine.
    """
    try:
        return _MACHINE_ID.read_text().strip() if info.name == socket.gethostname() else ""
    except OSError:
        return ""
