"""Kubernetes clusters: namespaces, workloads, pods, containers and nodes.

Importing this costs nothing: the kubernetes package, aiohttp and pydantic are loaded on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calmtui.providers.base import Action, Discovered, Opening, Source
from calmtui.providers.kubernetes.catalogue import ACTIONS

if TYPE_CHECKING:
    from pydantic import BaseModel


class KubernetesProvider:
    """See `providers.base.Provider`."""

    kind = "kubernetes"
    actions: tuple[Action, ...] = ACTIONS

    def options(self) -> type[BaseModel]:
        """The model of its settings in an estate file."""
        from calmtui.providers.kubernetes.options import KubernetesOptions

        return KubernetesOptions

    def open(self, opening: Opening) -> Source:
        """A source, not yet connected."""
        from calmtui.providers.kubernetes.source import KubernetesSource

        return KubernetesSource(opening)

    def discover(self) -> list[Discovered]:
        """The contexts of the kubeconfig that kubectl would use; the current one is suggested."""
        from calmtui.providers.kubernetes.discover import discover

        return discover()


PROVIDER = KubernetesProvider()
