"""The raw object behind a node, without noise and without secrets."""

from __future__ import annotations

import re
from typing import Any

from calmtui.fleet.node import Node
from calmtui.providers.base import MASK, NodeGone
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.ids import place
from calmtui.providers.kubernetes.kinds import KINDS

SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|credential|api[_.-]?key|access[_.-]?key|private[_.-]?key"
    r"|auth(?!or)|dsn|(^|[_.-])(key|pat)$|conn(ection)?[_.-]?str|(database|db|redis|amqp)[_.-]?ur[il]",
    re.IGNORECASE,
)
"""Names of environment variables, flags and annotations whose values are not shown."""
CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")
FLAG = re.compile(r"^(?P<flag>-{1,2}[\w.-]+|[A-Za-z_][\w.-]*)=(?P<value>.*)$", re.DOTALL)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""A copy of the whole object as kubectl last sent it: it would show all that is masked elsewhere."""


async def describe(api: Api, node: Node) -> dict[str, Any]:
    """The object of a node, or of a container its part of the pod. Raises a SourceError."""
    where = place(node)
    raw = masked(await api.get_json(KINDS[where.kind].path(where.namespace, where.name)))
    return _container(raw, where.container, api.where) if where.container else raw


def masked(raw: dict[str, Any]) -> dict[str, Any]:
    """An object of the API with its secrets masked and its bookkeeping left out."""
    if raw.get("kind") == "Secret":
        raw = {**raw, **{key: dict.fromkeys(raw[key] or (), MASK) for key in ("data", "stringData") if key in raw}}
    shown: dict[str, Any] = _mask(raw)
    metadata = shown.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop(LAST_APPLIED, None)
            metadata["annotations"] = {
                key: MASK if SECRET_NAME.search(key) else value for key, value in annotations.items()
            }
    return shown


def _mask(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("value"), str) and SECRET_NAME.search(str(value.get("name", ""))):
            value = {**value, "value": MASK}
        return {name: _mask(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return _arguments(value) if key in ("args", "command") else [_mask(item) for item in value]
    return CREDENTIALS_IN_URL.sub(MASK, value) if isinstance(value, str) else value


def _arguments(arguments: list[Any]) -> list[Any]:
    """A command line with the values of flags that look secret masked: `--token=x`, `--token x`, `TOKEN=x`."""
    shown: list[Any] = []
    secret_next = False
    for argument in arguments:
        if not isinstance(argument, str):
            shown.append(argument)
            continue
        found = FLAG.match(argument)
        if secret_next and not argument.startswith("-"):
            shown.append(MASK)
        elif found is not None and SECRET_NAME.search(found["flag"]):
            shown.append(f"{found['flag']}={MASK}")
        else:
            shown.append(CREDENTIALS_IN_URL.sub(MASK, argument))
        secret_next = found is None and argument.startswith("-") and bool(SECRET_NAME.search(argument))
    return shown


def _container(pod: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """What a pod says about one of its containers: as asked for, and as it is."""
    spec, status = pod.get("spec", {}), pod.get("status", {})
    asked = _named((*(spec.get("initContainers") or ()), *(spec.get("containers") or ())), name)
    if asked is None:
        raise NodeGone(f"the pod has no container {name}", where=where)
    every = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return {"spec": asked, "status": _named(every, name) or {}}


def _named(items: tuple[dict[str, Any], ...], name: str) -> dict[str, Any] | None:
    return next((item for item in items if item.get("name") == name), None)
