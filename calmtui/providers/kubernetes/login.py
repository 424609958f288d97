"""From a kubeconfig to what a request needs: the server's address, TLS, and a token.

The official package does it (exec plugins, certificates, tokens, OIDC, basic authentication). All of
it blocks, and an exec plugin may run for seconds, so `log_in` belongs in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from calmtui import sanitise
from calmtui.providers.base import AuthFailed, Misconfigured
from calmtui.providers.kubernetes.kubeconfig import contexts, kubeconfig_files

LOGIN_SECONDS = 60.0
"""How long an exec plugin or an identity provider may take; a person may have to press a button for it."""

_importing = threading.Lock()


@dataclass(frozen=True)
class Login:
    """How to speak to an API server. Never shown: it holds a secret."""

    server: str
    """Its URL, without a slash at the end."""
    authorization: str
    """The header's value; empty where a client certificate says who we are."""
    tls: ssl.SSLContext | None
    server_hostname: str | None
    """The name to find in the server's certificate, when it is not the one in the URL."""
    proxy: str | None
    identity: tuple[object, ...]
    """Equal for two logins that can share their connections."""

    def __repr__(self) -> str:
        return f"Login({self.server})"


def log_in(kubeconfig: Path | None, context: str | None, where: str) -> Login:
    """Read the kubeconfig and obtain credentials. Blocks. Raises Misconfigured or AuthFailed."""
    files = kubeconfig_files(kubeconfig)
    if not any(file.is_file() for file in files):
        raise Misconfigured(
            f"there is no kubeconfig at {' or '.join(map(str, files))}",
            where=where,
            next_step="set `kubeconfig` in the estate, or KUBECONFIG",
        )
    paths = os.pathsep.join(map(str, files))
    known, _ = contexts(files)
    if context is not None and known and context not in known:
        raise Misconfigured(
            f"there is no context {context!r} in {paths}", where=where, next_step=f"there are: {', '.join(known[:20])}"
        )
    with _Complaints() as complaints:
        config = _load(paths, context, where)
    token = config.api_key.get("BearerToken", "")
    if not token and not config.cert_file and complaints.texts:
        raise AuthFailed(
            f"no credentials: {'; '.join(complaints.texts)}",
            where=where,
            next_step="run the `exec` command of this user in the kubeconfig by hand",
        )
    return Login(
        server=config.host.rstrip("/"),
        authorization=token,
        tls=_tls(config, where) if config.host.startswith("https") else None,
        server_hostname=config.tls_server_name,
        proxy=config.proxy,
        identity=(
            config.host,
            config.ssl_ca_cert,
            config.cert_file,
            config.key_file,
            config.verify_ssl,
            config.tls_server_name,
            config.proxy,
        ),
    )


def _load(paths: str, context: str | None, where: str) -> Any:
    """The official package's Configuration of a context."""
    import yaml  # the package brings it, and needs it now

    sdk, client = _sdk()
    config = client.Configuration()
    loading = sdk.load_kube_config(paths, context, client_configuration=config, persist_config=False)
    try:
        asyncio.run(asyncio.wait_for(loading, LOGIN_SECONDS))
    except TimeoutError:
        raise AuthFailed(
            f"no credentials in {LOGIN_SECONDS:.0f} s",
            where=where,
            next_step="run `kubectl get ns` to see what it waits for",
        ) from None
    except yaml.YAMLError:
        raise Misconfigured(f"{paths} is not YAML", where=where) from None
    except sdk.ConfigException as error:
        raise Misconfigured(
            f"{paths}: {sanitise.word(str(error))[:300]}", where=where, next_step="see `kubectl config get-contexts`"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        # The package reads a kubeconfig without checking it, so a malformed one fails anywhere. Only the
        # kind of error is said: its text may hold part of a credential.
        raise Misconfigured(
            f"{paths} cannot be used as a kubeconfig ({type(error).__name__})",
            where=where,
            next_step="`kubectl config view` says more",
        ) from None
    return config


def _tls(config: Any, where: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ssl_ca_cert, cadata=config.ca_cert_data)
        # Python 3.13 refuses authorities without key usage; clusters have them, and kubectl accepts them.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if config.cert_file:
            context.load_cert_chain(config.cert_file, config.key_file)
    except OSError as error:  # ssl.SSLError is one
        raise Misconfigured(
            f"a certificate or key of this context cannot be used: {sanitise.word(str(error))}",
            where=where,
            next_step="check the files or data in the kubeconfig",
        ) from None
    if not config.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _sdk() -> tuple[ModuleType, ModuleType]:
    """`kubernetes.aio.config` and `kubernetes.aio.client`.

    The package's own `__init__` files import its two clients whole, informers and leader election
    included: 1.1 s, where the two modules that are used here take 0.3 s. Empty stand-ins for the
    parents keep those files from running, and are taken away again so that `import kubernetes`
    works as ever for everybody else.
    """
    with _importing:
        stand_ins = [name for name in ("kubernetes", "kubernetes.aio") if name not in sys.modules]
        for name in stand_ins:
            spec = find_spec(name)
            assert spec is not None
            sys.modules[name] = module_from_spec(spec)
        try:
            from kubernetes.aio import client, config
        finally:
            for name in stand_ins:
                del sys.modules[name]
    return config, client


class _Complaints(logging.Handler):
    """Keeps what the package logs in this thread, instead of raising it, when an exec plugin fails.

    While it listens nothing of it reaches the terminal, which belongs to the screen.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []
        self._thread = threading.get_ident()
        self._logger = logging.getLogger("kubernetes.aio.config.kube_config")

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.texts.append(sanitise.word(record.getMessage())[:300])

    def __enter__(self) -> _Complaints:
        self._logger.addHandler(self)
        self._logger.propagate = False  # for good: it logs nothing but this
        return self

    def __exit__(self, *exc: object) -> None:
        self._logger.removeHandler(self)
