"""Where an engine is and how it is trusted, once options, contexts and environment have been consulted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from calmtui.errors import Misconfigured
from calmtui.providers.base import Opening
from calmtui.providers.docker import contexts

if TYPE_CHECKING:
    from calmtui.providers.docker.options import DockerOptions

SOCKET = Path("/var/run/docker.sock")
"""Where an engine of this machine listens."""
PLAIN_PORT, TLS_PORT = 2375, 2376
"""What `dockerd` uses on tcp where a host names no port."""


@dataclass(frozen=True)
class Tls:
    """How a tcp engine is trusted, and who we are to it."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    verify: bool = True


@dataclass(frozen=True)
class Endpoint:
    """One of: a socket of this machine (`socket`), a tcp port (`address`), a socket behind SSH (`ssh` and `socket`)."""

    origin: str
    """What named it, for errors: `host`, `context prod`, `DOCKER_HOST`."""
    socket: Path | None = None
    address: tuple[str, int] | None = None
    ssh: SplitResult | None = None
    """The `ssh://` URL; `socket` is then a path on that host."""
    tls: Tls | None = None

    def __str__(self) -> str:
        if self.ssh is not None:
            return f"the engine on {self.ssh.hostname}"
        return str(self.socket) if self.address is None else ":".join(map(str, self.address))


def resolve(opening: Opening, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """The endpoint that a source's options come to. Raises Misconfigured."""
    options: DockerOptions = opening.options
    if options.host is not None:
        tls = None
        if options.tls is not None:
            written = options.tls
            ca, cert, key = (path and opening.resolve(path) for path in (written.ca, written.cert, written.key))
            tls = Tls(ca, cert, key, written.verify)
        return _endpoint(opening, options.host, "host", tls)
    if options.context is not None and options.context != contexts.DEFAULT:
        return _of_context(opening, options.context, environ)
    if environ.get("DOCKER_HOST"):
        return _endpoint(opening, environ["DOCKER_HOST"], "DOCKER_HOST", _tls_of_environment(environ))
    if options.context is None and contexts.current(environ) != contexts.DEFAULT:
        return _of_context(opening, contexts.current(environ), environ)
    return Endpoint("this machine's socket", local_socket(environ))


def local_socket(environ: Mapping[str, str] = os.environ) -> Path:
    """The engine's socket of this machine; a rootless engine's when there is no other."""
    rootless = Path(environ.get("XDG_RUNTIME_DIR") or "/nonexistent") / "docker.sock"
    return rootless if not SOCKET.exists() and rootless.exists() else SOCKET


def _of_context(opening: Opening, name: str, environ: Mapping[str, str]) -> Endpoint:
    context = contexts.read(name, environ)
    if context is None:
        known = ", ".join(item.name for item in contexts.every(environ)) or "none"
        raise Misconfigured(
            f"there is no Docker context {name!r} in {contexts.folder(environ)}",
            where=opening.name,
            next_step=f"`docker context ls` shows them; known: {known}",
        )
    tls = Tls(context.ca, context.cert, context.key, context.verify)
    return _endpoint(opening, context.host, f"context {name}", None if tls == Tls() else tls)


def _tls_of_environment(environ: Mapping[str, str]) -> Tls | None:
    if not environ.get("DOCKER_TLS_VERIFY"):
        return None
    folder = Path(environ["DOCKER_CERT_PATH"]) if environ.get("DOCKER_CERT_PATH") else contexts.folder(environ)
    return Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def _endpoint(opening: Opening, host: str, origin: str, tls: Tls | None) -> Endpoint:
    scheme, _, rest = host.partition("://")
    if scheme == "unix":
        return Endpoint(origin, socket=opening.resolve(rest))
    if scheme not in {"tcp", "http", "https", "ssh"}:
        raise Misconfigured(
            f"cannot reach an engine at {scheme}://",
            where=opening.name,
            next_step=f"{origin} must begin with unix://, tcp:// or ssh://",
        )
    try:
        url = urlsplit(host)
        name, port = url.hostname, url.port
    except ValueError as error:
        raise Misconfigured(
            f"{origin} is no URL: {error}", where=opening.name, next_step="write it as in tcp://HOST:2376"
        ) from error
    if not name:
        raise Misconfigured(f"{origin} names no host", where=opening.name, next_step=f"write {scheme}://HOST")
    if url.password is not None:  # it would stand in the file, and in errors
        raise Misconfigured(
            f"{origin} holds a password",
            where=opening.name,
            next_step="take it out: log in with a key, or with a certificate as `tls: {cert, key}`",
        )
    if scheme == "ssh":
        return Endpoint(origin, socket=Path(url.path) if url.path.strip("/") else SOCKET, ssh=url)
    tls = tls or (Tls() if scheme == "https" else None)
    _check_files(opening, origin, tls)
    return Endpoint(origin, address=(name, port or (TLS_PORT if tls else PLAIN_PORT)), tls=tls)


def _check_files(opening: Opening, origin: str, tls: Tls | None) -> None:
    for path in (tls.ca, tls.cert, tls.key) if tls else ():
        if path is not None and not path.is_file():
            raise Misconfigured(
                f"there is no file {path}", where=opening.name, next_step=f"the TLS of {origin} needs it"
            )
