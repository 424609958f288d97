"""Docker engines: containers and compose projects, over a socket, TCP with TLS, or SSH."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from calmtui.providers.base import Action, Discovered, Opening, Source
from calmtui.providers.docker import contexts
from calmtui.providers.docker.actions import ACTIONS
from calmtui.providers.docker.endpoint import SOCKET, resolve

if TYPE_CHECKING:
    from pydantic import BaseModel


class DockerProvider:
    """The provider `docker`."""

    kind = "docker"
    actions: tuple[Action, ...] = ACTIONS

    def options(self) -> type[BaseModel]:
        """The model of a source's settings."""
        from calmtui.providers.docker.options import DockerOptions  # pydantic takes 0.1 s to import

        return DockerOptions

    def open(self, opening: Opening) -> Source:
        """A source for the engine that the options name. Raises Misconfigured."""
        from calmtui.providers.docker.source import DockerSource

        return DockerSource(opening, resolve(opening))

    def discover(self) -> list[Discovered]:
        """The engine of DOCKER_HOST, every context, and the sockets of this machine."""
        chosen = os.environ.get("DOCKER_HOST")
        current = contexts.current()
        found = []
        if chosen:
            found.append(Discovered("docker", {"host": chosen}, "DOCKER_HOST", "what `docker` uses"))
        for context in contexts.every():
            used = context.name == current and not chosen
            found.append(
                Discovered(
                    context.name,
                    {"context": context.name},
                    str(contexts.folder() / "contexts"),
                    "current context" if used else context.host,
                    suggested=used,
                )
            )
        used = not chosen and current == contexts.DEFAULT
        for socket, note in ((SOCKET, "this machine's engine"), (_rootless_socket(), "this user's rootless engine")):
            if socket is not None and socket.exists() and f"unix://{socket}" != chosen:
                found.append(Discovered("docker", {"host": f"unix://{socket}"}, str(socket), note, suggested=used))
        return found


def _rootless_socket() -> Path | None:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "docker.sock" if runtime else None


PROVIDER = DockerProvider()
"""What the entry point names."""
