"""The settings of a Kubernetes source in an estate file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

NamespaceName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""A DNS label, as Kubernetes demands."""


class KubernetesOptions(BaseModel):
    """One cluster, as one context of a kubeconfig sees it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    kubeconfig: Path | None = None
    """The kubeconfig; unset: the files of KUBECONFIG, or `~/.kube/config`."""
    context: str | None = Field(default=None, min_length=1)
    """A context of the kubeconfig (`kubectl config get-contexts`); unset: its current context."""
    namespaces: Literal["all"] | list[NamespaceName] = "all"
    """`all`, or the namespaces to show: name them where you may not list the whole cluster."""
    connect_timeout: float = Field(default=10, gt=0, le=300)
    """Seconds to wait for a connection to the API server."""
    request_timeout: float = Field(default=30, gt=0, le=600)
    """Seconds to wait for an answer, or for the next piece of one."""
    page_size: int = Field(default=500, ge=10, le=10_000)
    """Objects asked for at a time in a listing."""

    @field_validator("namespaces")
    @classmethod
    def _some_namespace_once(cls, namespaces: Literal["all"] | list[str]) -> Literal["all"] | list[str]:
        if isinstance(namespaces, list):
            if not namespaces:
                raise ValueError("name a namespace, or write `all`")
            return list(dict.fromkeys(namespaces))
        return namespaces
