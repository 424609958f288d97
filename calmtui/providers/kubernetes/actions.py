"""Carrying out what `catalogue` offers, on everything but whole machines' pods (see `drain`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from calmtui.errors import UsageError
from calmtui.fleet.node import Node
from calmtui.providers.base import SourceError
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.drain import Drain
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of the pod template that `kubectl rollout restart` sets: a new template makes new pods."""
MOST_REPLICAS = 2**31 - 1


async def act(api: Api, node: Node, action: str, parameters: Mapping[str, str]) -> str:
    """Carry out an action of the catalogue; returns what came of it. Raises a SourceError or UsageError."""
    where = place(node)
    path = KINDS[where.kind].path(where.namespace, where.name)
    match action:
        case "rollout-restart":
            return await _rollout_restart(api, path)
        case "scale":
            replicas = number(parameters, "replicas", MOST_REPLICAS)
            return await scale(api, path, replicas) or f"has {replicas} replicas already"
        case "delete" | "delete-workload":
            return await _delete(api, path)
        case "cordon":
            return await cordon(api, path, True)
        case "uncordon":
            return await cordon(api, path, False)
        case "drain":
            return await Drain(
                api,
                where.name,
                force=truth(parameters, "force"),
                timeout=number(parameters, "timeout", 86_400, 300),
            ).run()
        case _:
            raise UsageError(f"a {node.kind} has no action {action!r}", where=node.id)


async def _rollout_restart(api: Api, path: str) -> str:
    if (await api.get_json(path)).get("spec", {}).get("paused"):
        raise SourceError("its rollout is paused", where=api.where, next_step="`kubectl rollout resume` it first")
    annotations = {RESTARTED_AT: datetime.now(UTC).isoformat(timespec="seconds")}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    await api.change("PATCH", path, body, patch="strategic")
    return "rollout begun"


async def scale(api: Api, path: str, replicas: int) -> str:
    """Give a workload so many replicas; what was done, which is nothing where it has them."""
    before = (await api.get_json(f"{path}/scale")).get("spec", {}).get("replicas", 0)
    if before == replicas:
        return ""
    await api.change("PATCH", f"{path}/scale", {"spec": {"replicas": replicas}}, patch="merge")
    return f"scaled from {before} to {replicas}"


async def _delete(api: Api, path: str) -> str:
    # In the background: the object goes at once and the garbage collector takes its pods, as kubectl does.
    answer = await api.change("DELETE", path, {"propagationPolicy": "Background"})
    grace = answer.get("metadata", {}).get("deletionGracePeriodSeconds")
    return f"ending, within {grace} s" if grace else "deleted"


async def cordon(api: Api, path: str, unschedulable: bool) -> str:
    """Say whether pods may be scheduled onto a machine."""
    await api.change("PATCH", path, {"spec": {"unschedulable": unschedulable}}, patch="strategic")
    return "cordoned" if unschedulable else "schedulable again"


def number(parameters: Mapping[str, str], name: str, most: int, default: int | None = None) -> int:
    """A whole number from 0 on. Raises UsageError."""
    text = parameters.get(name, "").strip()
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= most):
        raise UsageError(f"{name} must be a whole number from 0 to {most}, not {text!r}")
    return int(text)


def truth(parameters: Mapping[str, str], name: str) -> bool:
    """Yes or no, which is also the default. Raises UsageError."""
    text = parameters.get(name, "").strip().lower()
    if text in ("yes", "y", "true", "1"):
        return True
    if text in ("", "no", "n", "false", "0"):
        return False
    raise UsageError(f"{name} must be yes or no, not {text!r}")
