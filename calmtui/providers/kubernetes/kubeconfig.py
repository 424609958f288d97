"""Kubeconfigs as files: where they are and which contexts they name. To log in by one is `login`'s."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def kubeconfig_files(kubeconfig: Path | None) -> list[Path]:
    """The files to read: the one named, or those of KUBECONFIG, or `~/.kube/config`."""
    if kubeconfig is not None:
        return [kubeconfig]
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [Path(part).expanduser() for part in named] or [Path.home() / ".kube" / "config"]


def contexts(files: list[Path]) -> tuple[list[str], str]:
    """The names of all contexts in their order, and of the current one; what cannot be read has none."""
    names: dict[str, None] = {}
    current = ""
    for file in files:
        config = _read(file)
        listed = config.get("contexts")
        for context in listed if isinstance(listed, list) else []:
            if isinstance(context, dict) and context.get("name"):
                names[str(context["name"])] = None
        current = current or str(config.get("current-context") or "")
    return list(names), current


def _read(file: Path) -> dict[str, Any]:
    import yaml

    try:
        config = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # safe
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}
