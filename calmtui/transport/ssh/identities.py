"""Who we are: the keys to offer to a host, in the order in which `ssh` offers them.

First the agent's keys that an identity file names, then the agent's others (unless IdentitiesOnly),
then unencrypted files, and encrypted files last, because their passphrase has to be asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calmtui.errors import Misconfigured
from calmtui.transport.ssh.prompts import Prompts
from calmtui.transport.ssh.settings import Settings

if TYPE_CHECKING:
    import asyncssh

log = logging.getLogger(__name__)

DEFAULT_NAMES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
"""Files of `~/.ssh` that are offered where nothing is configured, in OpenSSH's order."""
_ATTEMPTS = 3

WhileAsking = Callable[[Awaitable[Any]], Awaitable[Any]]


@dataclass
class _KeyFile:
    """A private key file, parsed as far as it can be without its passphrase."""

    path: Path
    key: asyncssh.SSHKey | None
    """None: it is encrypted and not yet unlocked."""
    public: bytes | None
    """The public half, which names the key in an agent; None: only the encrypted half is there."""
    certificate: asyncssh.SSHCertificate | None

    def offer(self, certificates: list[asyncssh.SSHCertificate]) -> Any:
        """The key as asyncssh takes it, with a certificate that is for it."""
        assert self.key is not None
        fitting = [one for one in (*certificates, self.certificate) if one and one.key == self.key]
        return (self.key, fitting[0]) if fitting else self.key


class Identities:
    """Keys parsed once, and one connection to each agent, for all hosts."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._files: dict[Path, _KeyFile] = {}
        self._agents: dict[str, asyncssh.SSHAgentClient] = {}
        self._unlocking = asyncio.Lock()

    async def offer(self, settings: Settings, asking: WhileAsking) -> AsyncIterator[list[Any]]:
        """Batches of keys, as asyncssh takes them, to offer one after another. Raises Misconfigured.

        `asking` is called with each question to the operator, to stop the clock while it waits.
        """
        files = await self._load(settings)
        certificates = [found for path in settings.certificates if (found := _certificate(path))]
        held = await self._from_agent(settings)
        named = {file.public for file in files}
        batch: list[Any] = [key for key in held if key.public_data in named]
        if not settings.identities_only:
            batch += [key for key in held if key.public_data not in named]
        in_agent = {key.public_data for key in held}
        own = [file for file in files if file.public not in in_agent]
        batch += [file.offer(certificates) for file in own if file.key is not None]
        if batch:
            yield batch
        for file in own:
            if file.key is None and await asking(self._unlock(file)):
                yield [file.offer(certificates)]

    def close(self) -> None:
        """Let go of the agents."""
        for agent in self._agents.values():
            agent.close()
        self._agents.clear()

    async def _load(self, settings: Settings) -> list[_KeyFile]:
        paths = settings.identities or tuple(Path.home() / ".ssh" / name for name in DEFAULT_NAMES)
        if new := [path for path in paths if path not in self._files]:
            for path, file in await asyncio.to_thread(_read_all, new, bool(settings.identities)):
                self._files.setdefault(path, file)
        return [self._files[path] for path in dict.fromkeys(paths) if path in self._files]

    async def _from_agent(self, settings: Settings) -> list[Any]:
        import asyncssh

        if not settings.agent:
            return []
        agent = self._agents.setdefault(settings.agent, asyncssh.SSHAgentClient(settings.agent))
        try:
            return list(await agent.get_keys())
        except (OSError, ValueError) as error:  # no agent there: the files are offered all the same
            log.info("agent %s: %s", settings.agent, error)
            return []

    async def _unlock(self, file: _KeyFile) -> bool:
        """Whether the operator gave the passphrase of a key; once for all hosts that wait for it."""
        import asyncssh

        prompt = f"Passphrase of {file.path}"
        async with self._unlocking:
            for attempt in range(_ATTEMPTS):
                if file.key is not None:
                    return True
                secret = await self._prompts.secret(prompt, f"{prompt}; the last one was wrong" if attempt else prompt)
                if secret is None:
                    return False
                try:
                    file.key = await asyncio.to_thread(asyncssh.read_private_key, file.path, secret)
                except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
                    log.info("%s: %s", file.path, error)
                    self._prompts.forget(prompt, secret)
        return file.key is not None


def _read_all(paths: list[Path], explicit: bool) -> list[tuple[Path, _KeyFile]]:
    return [(path, file) for path in paths if (file := _read(path, explicit)) is not None]


def _read(path: Path, explicit: bool) -> _KeyFile | None:
    """A key file; None when there is none, or none that can be read among the usual ones."""
    import asyncssh

    key: asyncssh.SSHKey | None = None
    try:
        key = asyncssh.read_private_key(path)
    except FileNotFoundError:
        return None
    except asyncssh.KeyImportError as error:
        if "assphrase" not in str(error):
            if explicit:
                raise Misconfigured(f"no private key: {error}", where=str(path), next_step="mend `identity`") from error
            log.info("%s: %s", path, error)
            return None
    except OSError as error:
        raise Misconfigured(f"cannot be read: {error.strerror}", where=str(path)) from error
    return _KeyFile(path, key, key.public_data if key else _public(path), _certificate(Path(f"{path}-cert.pub")))


def _public(path: Path) -> bytes | None:
    import asyncssh

    try:
        return asyncssh.read_public_key(f"{path}.pub").public_data
    except (OSError, asyncssh.KeyImportError):
        return None


def _certificate(path: Path) -> asyncssh.SSHCertificate | None:
    import asyncssh

    try:
        return asyncssh.read_certificate(path)
    except (OSError, asyncssh.KeyImportError):
        return None
