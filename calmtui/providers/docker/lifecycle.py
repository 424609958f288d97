"""Actions carried out: on a container, or on the members of a project in the order of their dependencies."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from calmtui.errors import NodeGone, SourceError
from calmtui.fleet.node import Node
from calmtui.providers.docker.actions import OF_CONTAINER
from calmtui.providers.docker.connect import Engine
from calmtui.providers.docker.nodes import Entry, is_member
from calmtui.providers.docker.projects import waves
from calmtui.providers.docker.watch import listing

DEFAULT_GRACE = 10
"""Seconds between TERM and KILL where the container does not say (`docker stop`)."""


async def on_container(engine: Engine, container: str, action: str, parameters: Mapping[str, str]) -> str:
    """Do it, and say in what state the container is then. Raises a SourceError."""
    before = await engine.call("inspect_container", container)
    match action:
        case "stop" | "restart":
            stop_timeout = before["Config"].get("StopTimeout")
            grace = DEFAULT_GRACE if stop_timeout is None else stop_timeout
            # The SDK waits for the grace period and its own timeout on top.
            await engine.call(action, before["Id"], timeout=grace, acting=True)
        case "start" | "pause" | "unpause":
            await engine.call(action, before["Id"], acting=True)
        case "kill":
            await engine.call("kill", before["Id"], signal=parameters.get("signal") or "KILL", acting=True)
        case "remove":
            await engine.call("remove_container", before["Id"], acting=True)
            return "removed"
        case _:
            raise ValueError(f"no action of a container: {action}")
    try:
        return _state(await engine.call("inspect_container", before["Id"]))
    except NodeGone:
        return "gone: it was to be removed when it ends"
    except SourceError as error:  # that it was done is known all the same
        return f"done; how it is now cannot be asked: {error.what}"


def _state(inspected: dict[str, dict[str, object]]) -> str:
    state = inspected["State"]
    return f"exited {state['ExitCode']}" if state["Status"] == "exited" else str(state["Status"])


async def on_project(engine: Engine, project: Node, action: str) -> str:
    """Do it to every member that allows it, each wave after those that it needs. Raises a SourceError.

    Stopping goes the other way round. A member that fails does not keep the rest of its wave from going on,
    but the waves after it.
    """
    members = await members_of(engine, project)
    order = waves(members)
    results: Counter[str] = Counter()
    for wave in reversed(order) if action == "stop" else order:
        allowed = [entry for entry in wave if action in OF_CONTAINER.get(entry.state, ())]
        results["unchanged"] += len(wave) - len(allowed)
        failed = await _wave(allowed, lambda entry: on_container(engine, entry.id, action, {}), results)
        if failed:
            raise SourceError(
                f"{len(failed)} of {len(members)} failed: {'; '.join(failed)}",
                where=project.name,
                next_step="see the containers of the project; those that depend on them were not touched",
            )
    return ", ".join(f"{count} {word}" for word, count in results.items() if count)


async def _wave(entries: list[Entry], do: Callable[[Entry], Awaitable[str]], results: Counter[str]) -> list[str]:
    """Do it to all of them at once; what failed, each with its reason."""
    failed = []
    for entry, result in zip(entries, await asyncio.gather(*map(do, entries), return_exceptions=True), strict=True):
        if isinstance(result, SourceError):
            failed.append(f"{entry.name}: {result.what}")
        elif isinstance(result, BaseException):
            raise result
        else:
            results[result] += 1
    return failed


async def members_of(engine: Engine, project: Node) -> list[Entry]:
    """The containers of a project. Raises NodeGone when there are none any more."""
    members = [entry for entry in await listing(engine) if is_member(entry, project)]
    if not members:
        raise NodeGone("the project has no containers any more", where=project.name)
    return members
