"""A Kubernetes cluster as a source."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from calmtui.fleet.update import Update
from calmtui.providers.base import Opening
from calmtui.providers.kubernetes.connect import Api
from calmtui.providers.kubernetes.inventory import collections, follow
from calmtui.providers.kubernetes.options import KubernetesOptions


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
        scopes = collections(self._api, self._namespaces, self._page_size)
        async with aclosing(follow(self.name, self._api, scopes)) as updates:
            async for update in updates:
                yield update

    async def close(self) -> None:
        """See `providers.base.Source`."""
        await self._api.close()
