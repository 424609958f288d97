"""The contexts that this machine's kubeconfig names. Reads files alone; connects to nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from calmtui.providers.base import Discovered
from calmtui.providers.kubernetes.login import kubeconfig_files


def contexts() -> list[Discovered]:
    """Every context of KUBECONFIG or `~/.kube/config`, the current one switched on. An unreadable file has none."""
    found: dict[str, Path] = {}
    current = ""
    for file in kubeconfig_files(None):
        config = _read(file)
        for context in _dicts(config.get("contexts")):
            found.setdefault(str(context.get("name", "")), file)
        current = current or str(config.get("current-context") or "")
    found.pop("", None)
    where = "KUBECONFIG" if os.environ.get("KUBECONFIG") else "~/.kube/config"
    return [
        Discovered(
            name=_source_name(name),
            options={"context": name},
            found_in=where,
            note="current context" if name == current else "",
            suggested=name == current,
        )
        for name in found
    ]


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # safe
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _source_name(context: str) -> str:
    """A short name: of `arn:aws:eks:eu-west-1:1234:cluster/prod`, `prod`."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", context.rsplit("/", 1)[-1]).strip("-.") or "cluster"
