"""What the `docker` command's own configuration says: its contexts, and which one is current.

Read from its files (`$DOCKER_CONFIG` or `~/.docker`), not through the SDK: discovery must stay cheap.
A context NAME lives in `contexts/meta/HASH/meta.json` and its TLS files in `contexts/tls/HASH/docker/`,
HASH being the SHA-256 of the name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT = "default"
"""The context that stands for no context: DOCKER_HOST or the socket of this machine."""


@dataclass(frozen=True)
class Context:
    """One context's Docker endpoint."""

    name: str
    host: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    verify: bool = True


def folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the `docker` command's configuration."""
    return Path(environ.get("DOCKER_CONFIG") or "~/.docker").expanduser()


def current(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the context that the `docker` command would use when DOCKER_HOST is unset."""
    if environ.get("DOCKER_CONTEXT"):
        return environ["DOCKER_CONTEXT"]
    return str(_json(folder(environ) / "config.json").get("currentContext") or DEFAULT)


def read(name: str, environ: Mapping[str, str] = os.environ) -> Context | None:
    """The context of that name; None when there is none that names a Docker endpoint."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    contexts = folder(environ) / "contexts"
    return _context(_json(contexts / "meta" / digest / "meta.json"), contexts / "tls" / digest / "docker")


def every(environ: Mapping[str, str] = os.environ) -> list[Context]:
    """All contexts that can be read, sorted by name."""
    contexts = folder(environ) / "contexts"
    found = [
        _context(_json(meta), contexts / "tls" / meta.parent.name / "docker")
        for meta in contexts.glob("meta/*/meta.json")
    ]
    return sorted((context for context in found if context), key=lambda context: context.name)


def _context(meta: dict[str, Any], tls: Path) -> Context | None:
    endpoints = meta.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(endpoint.get("Host"), str) or not endpoint["Host"]:
        return None
    ca, cert, key = (path if path.is_file() else None for path in (tls / "ca.pem", tls / "cert.pem", tls / "key.pem"))
    return Context(str(meta.get("Name", "")), endpoint["Host"], ca, cert, key, not endpoint.get("SkipTLSVerify"))


def _json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one when there is none to be read: the `docker` command ignores such files too."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
