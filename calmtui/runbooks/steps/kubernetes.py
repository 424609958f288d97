"""`kubernetes`: a manifest, an image, a number of replicas for a workload; and waiting until it has rolled out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import model_validator

from calmtui.actions.execute import unopened
from calmtui.actions.outcome import Status
from calmtui.errors import CalmError, OutcomeUnknown, Throttled, Unreachable, UsageError
from calmtui.fleet.moment import seconds
from calmtui.providers.base import Danger, Workloads
from calmtui.runbooks import template
from calmtui.runbooks.fields import Length, Strict, Value
from calmtui.runbooks.steps.step import EachStep, Effect, Result

if TYPE_CHECKING:
    from calmtui.actions.catalogue import Catalogue
    from calmtui.fleet.node import Node
    from calmtui.runbooks.steps.doing import Doing

LOOK = 1.0
"""Seconds between two looks at a rollout."""
WORKLOADS = ("deployment", "statefulset", "daemonset")


class Workload(Strict):
    """What is done to a workload: one of these."""

    apply: str | None = None
    """The file of one or several manifests, relative to the estate, or the manifests themselves as a block of text:
    objects of the node's cluster become as they say (server-side apply), in the node's namespace where they name none.
    Values are put into their texts, which stand in quotes: `"{{ version }}"`."""
    force: bool = False
    """Of `apply`: take over fields that somebody else has set."""
    set_image: dict[str, Value] = {}
    """Images, by the names of the workload's containers: `{web: "shop:{{ version }}"}`."""
    scale: Value | None = None
    """So many replicas."""
    rollout: Literal["status"] | None = None
    """Wait until the last change has rolled out, as `kubectl rollout status` does."""
    timeout: Length = "10m"
    """Of `rollout`: after how long it has failed."""

    @model_validator(mode="after")
    def _one(self) -> Workload:
        if (self.apply is not None) + bool(self.set_image) + (self.scale is not None) + (self.rollout is not None) != 1:
            raise ValueError("not one thing to do; write one of apply, set_image, scale, rollout")
        try:
            _ = self.manifests
        except (yaml.YAMLError, TypeError) as error:
            raise ValueError(f"no YAML: {' '.join(str(error).split())}; values stand in quotes there") from None
        return self

    @cached_property
    def manifests(self) -> list[dict[str, Any]] | None:
        """Those that stand here; None: they are in a file."""
        if self.apply is None or "\n" not in self.apply.strip():
            return None
        return _manifests(self.apply)


class KubernetesStep(EachStep):
    """Change a workload of a Kubernetes cluster, or wait until a change has rolled out.

    Where all is so already, nothing is done; done again it comes to the same.
    """

    kubernetes: Workload
    """What is done."""

    def files(self) -> tuple[str, ...]:
        """The file of the manifests, where they are in one."""
        what = self.kubernetes
        return (what.apply,) if what.apply is not None and what.manifests is None else ()

    def said(self, filled: Mapping[str, str]) -> str:
        """What is done, in kubectl's words."""
        what = self.kubernetes
        if what.set_image:
            pairs = " ".join(f"{name}={template.text(image, filled)}" for name, image in what.set_image.items())
            return f"set image {pairs}"
        if what.scale is not None:
            return f"scale to {template.text(what.scale, filled)} replicas"
        if what.rollout is not None:
            return f"wait until it has rolled out, {what.timeout} at the most"
        force = ", taking over fields of others" * what.force
        if what.manifests is None:
            return f"apply {template.text(what.apply or '', filled)}{force}"
        named = [(one.get("kind"), (one.get("metadata") or {}).get("name")) for one in what.manifests]
        objects = ", ".join(template.text(f"{kind} {name}", filled) for kind, name in named)
        return f"apply {objects}{force}"

    def effect(self, nodes: Sequence[Node], known: Catalogue) -> Effect:
        """What policies know of it."""
        what = self.kubernetes
        kinds = WORKLOADS[:2] if what.scale is not None else WORKLOADS
        if what.apply is None and not any(node.kind in kinds for node in nodes):
            raise UsageError(f"none of the {len(nodes)} targets is a {', '.join(kinds[:-1])} or {kinds[-1]}",
                             next_step="mend 'targets'")  # fmt: skip
        if what.rollout is not None:
            return Effect()
        act = "apply" if what.apply is not None else "scale" if what.scale is not None else "set_image"
        return Effect(Danger.CONFIRM, frozenset({act}))

    async def do(self, doing: Doing) -> Result:
        """Do it, unless all is so already."""
        node = doing.node
        source = doing.live.source(node)
        if source is None:
            raise unopened(doing.live, node)
        if not isinstance(source, Workloads):
            raise CalmError(f"a {node.kind} is nothing of Kubernetes", where=node.name)
        if self.kubernetes.apply is None and node.kind not in WORKLOADS:
            raise CalmError(f"a {node.kind} is no workload: {', '.join(WORKLOADS)}", where=node.name)
        if self.kubernetes.rollout is not None:
            return await self._rolled_out(doing, source, node)
        try:
            done = await self._changed(doing, source, node)
        except OutcomeUnknown:  # to ask for it again comes to the same
            done = await self._changed(doing, source, node)
        if doing.before is not None and not done:
            return Result(Status.OK, "it was interrupted; looked up: it is so")
        return Result(Status.OK, done) if done else Result(Status.UNCHANGED, "so already")

    async def _changed(self, doing: Doing, source: Workloads, node: Node) -> str:
        """What was done; empty: nothing, all was so. Raises CalmError."""
        what, filled = self.kubernetes, doing.filled
        if what.set_image:
            return await source.set_images(
                node, {name: template.text(image, filled) for name, image in what.set_image.items()}
            )
        if what.scale is not None:
            number = template.text(what.scale, filled)
            if not number.isdecimal():
                raise UsageError(f"{number!r} is no number of replicas")
            return await source.scale(node, int(number))
        manifests = await self._manifests(doing)
        done = [await source.apply(node, manifest, force=what.force) for manifest in manifests]
        return ", ".join(filter(None, done))

    async def _manifests(self, doing: Doing) -> list[Any]:
        """The manifests with the values put in. Raises CalmError."""
        if self.kubernetes.manifests is not None:
            return [template.deep(one, doing.filled) for one in self.kubernetes.manifests]
        path = await doing.file(template.text(self.kubernetes.apply or "", doing.filled))
        try:
            found = _manifests(await asyncio.to_thread(path.read_text))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError) as error:
            raise UsageError(f"it cannot be read: {' '.join(str(error).split())}", where=str(path),
                             next_step="values stand in quotes there: \"{{ version }}\"") from None  # fmt: skip
        return [template.deep(one, doing.filled) for one in found]

    async def _rolled_out(self, doing: Doing, source: Workloads, node: Node) -> Result:
        """Wait until it has; to do it again is harmless."""
        loop = asyncio.get_running_loop()
        began, patience, told = loop.time(), seconds(self.kubernetes.timeout) or 0.0, ""
        while True:
            try:
                rollout = await source.rollout(node)
            except (Throttled, Unreachable) as error:
                said = str(error)
            else:
                said = rollout.said
                if rollout.done:
                    return Result(Status.OK, said)
                if rollout.failed:
                    return Result(Status.FAILED, said)
            if loop.time() - began > patience:
                known = doing.live.fleet.get(node.id)
                reason = f"; {known.reason}" if known is not None and known.reason else ""
                return Result(Status.FAILED, f"not rolled out within {self.kubernetes.timeout}: {said}{reason}")
            if said != told:
                told = said
                await doing.tell(said)
            await asyncio.sleep(LOOK)


def _manifests(text: str) -> list[dict[str, Any]]:
    """The manifests in a text. Raises YAMLError, TypeError."""
    found = [one for one in yaml.safe_load_all(text) if one]
    if not all(isinstance(one, dict) for one in found):
        raise TypeError("a manifest is a mapping")
    return found
