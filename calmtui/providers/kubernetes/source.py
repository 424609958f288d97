"""A Kubernetes cluster as a source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from calmtui.fleet.node import Node
from calmtui.fleet.update import Update
from calmtui.providers.base import Command, LogChunk, LogRequest, NodeEvent, Opening, Piece, Rollout, ShellChannel
from calmtui.providers.kubernetes import actions, apply, describe, events, logs
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.containers import target_of
from calmtui.providers.kubernetes.exec import start
from calmtui.providers.kubernetes.inventory import collections, follow
from calmtui.providers.kubernetes.options import KubernetesOptions
from calmtui.providers.kubernetes.rollout import rollout_of
from calmtui.providers.kubernetes.shell import open_shell


class KubernetesSource:
    """One cluster, as one context of a kubeconfig sees it."""

    kind = "kubernetes"

    def __init__(self, opening: Opening) -> None:
        options: KubernetesOptions = opening.options
        self.name = opening.name
        self._namespaces = None if options.namespaces == "all" else list(options.namespaces)
        self._page_size = options.page_size
        self._api = Api(
            opening.name,
            opening.resolve(options.kubeconfig) if options.kubeconfig is not None else None,
            options.context,
            connect_timeout=options.connect_timeout,
            request_timeout=options.request_timeout,
        )

    async def watch(self) -> AsyncGenerator[Update, None]:
        """See `providers.base.Source`."""
        await self._api.reread()
        scopes = collections(self.name, self._api, self._namespaces, self._page_size)
        async with aclosing(follow(self.name, self._api, scopes)) as updates:
            async for update in updates:
                yield update

    async def act(self, node: Node, action: str, parameters: Mapping[str, str]) -> str:
        """See `providers.base.Lifecycle`."""
        return await actions.act(self._api, node, action, parameters)

    async def apply(self, node: Node, manifest: Mapping[str, Any], *, force: bool) -> str:
        """See `providers.base.Workloads`."""
        return await apply.apply(self._api, node, manifest, force=force)

    async def set_images(self, node: Node, images: Mapping[str, str]) -> str:
        """See `providers.base.Workloads`."""
        return await apply.set_images(self._api, node, images)

    async def scale(self, node: Node, replicas: int) -> str:
        """See `providers.base.Workloads`."""
        return await actions.scale(self._api, apply.path_of(node), replicas)

    async def rollout(self, node: Node) -> Rollout:
        """See `providers.base.Workloads`."""
        return rollout_of(node.kind, await self._api.get_json(apply.path_of(node)))

    async def logs(self, node: Node, request: LogRequest) -> AsyncGenerator[LogChunk, None]:
        """See `providers.base.Logs`."""
        async with aclosing(logs.read(self._api, node, request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def start(self, node: Node, command: Command) -> AsyncGenerator[Piece | None, None]:
        """See `providers.base.Exec`."""
        async with aclosing(start(self._api, await target_of(self._api, node), command)) as pieces:
            async for piece in pieces:
                yield piece

    async def shell(self, node: Node, *, term: str, columns: int, rows: int) -> ShellChannel:
        """See `providers.base.Shell`."""
        return await open_shell(self._api, await target_of(self._api, node), term=term, columns=columns, rows=rows)

    async def describe(self, node: Node) -> dict[str, Any]:
        """See `providers.base.Describe`."""
        return await describe.describe(self._api, node)

    async def events(self, node: Node) -> list[NodeEvent]:
        """See `providers.base.Events`."""
        return await events.events(self._api, node)

    async def close(self) -> None:
        """See `providers.base.Source`."""
        await self._api.close()
