"""`kubernetes`: a manifest, an image, a number of replicas for a workload; and waiting until it has rolled out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import JsonValue, model_validator

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

    apply: str | dict[str, JsonValue] | None = None
    """A manifest, or the file of one or several, relative to the estate: objects of the node's cluster become as they
    say (server-side apply), in the node's namespace where they name none. Values are put into their texts."""
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
        return self


class KubernetesStep(EachStep):
    """Change a workload of a Kubernetes cluster, or wait until a change has rolled out.

    Where all is so already, nothing is done; done again it comes to the same.
    """

    kubernetes: Workload
    """What is done."""

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
        if isinstance(what.apply, str):
            return f"apply {template.text(what.apply, filled)}{force}"
        manifest = template.deep(what.apply or {}, filled)
        return f"apply {manifest.get('kind')} {(manifest.get('metadata') or {}).get('name')}{force}"

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
        manifests = await asyncio.to_thread(self._manifests, doing)
        done = [await source.apply(node, manifest, force=what.force) for manifest in manifests]
        return ", ".join(filter(None, done))

    def _manifests(self, doing: Doing) -> list[Any]:
        """The manifests with the values put in. Blocks. Raises UsageError."""
        given = self.kubernetes.apply
        if not isinstance(given, str):
            return [template.deep(given, doing.filled)]
        path = doing.live.estate.folder / template.text(given, doing.filled)
        try:
            found = [one for one in yaml.safe_load_all(path.read_text()) if one]
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
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
