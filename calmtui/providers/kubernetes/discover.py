"""The contexts that this machine's kubeconfig names. Reads files alone; connects to nothing."""

from __future__ import annotations

import os
import re

from calmtui.providers.base import Discovered
from calmtui.providers.kubernetes.kubeconfig import contexts, kubeconfig_files


def discover() -> list[Discovered]:
    """Every context of KUBECONFIG or `~/.kube/config`, the current one switched on. An unreadable file has none."""
    names, current = contexts(kubeconfig_files(None))
    return [
        Discovered(
            name=_source_name(name),
            options={"context": name},
            found_in="KUBECONFIG" if os.environ.get("KUBECONFIG") else "~/.kube/config",
            note="current context" if name == current else "",
            suggested=name == current,
        )
        for name in names
    ]


def _source_name(context: str) -> str:
    """A short name: of `arn:aws:eks:eu-west-1:1234:cluster/prod`, `prod`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", context.rsplit("/", 1)[-1]).strip("-.") or "cluster"
