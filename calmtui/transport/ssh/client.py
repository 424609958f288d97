"""What asyncssh asks during a handshake: whom to trust, and as whom to log in. Imports asyncssh."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any

import asyncssh

from calmtui.transport.ssh.identities import Identities
from calmtui.transport.ssh.prompts import Prompts
from calmtui.transport.ssh.settings import Settings

_ATTEMPTS = 3
"""Passwords to try, as `ssh` does."""


class Client(asyncssh.SSHClient):
    """The answers of one connection attempt, and what was learnt from it for a failure's text."""

    def __init__(
        self, settings: Settings, identities: Identities, prompts: Prompts, *, passwords: bool, limit: asyncio.Timeout
    ) -> None:
        self.offered_key: asyncssh.SSHKey | None = None
        """The host's key, when it is not a trusted one."""
        self.tried: list[str] = []
        """What was offered to the host: kinds of keys, `password`."""
        self.lost = asyncio.Event()
        self._settings = settings
        self._identities = identities
        self._keys: AsyncIterator[list[Any]] | None = None
        self._prompts = prompts
        self._passwords = passwords
        self._limit = limit
        self._password: str | None = None
        self._attempts = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once at the end of a connection."""
        self.lost.set()

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Called for a key that known_hosts does not hold: never accepted, but remembered."""
        self.offered_key = key
        return False

    async def public_key_auth_requested(self) -> list[Any] | None:
        """The next keys to offer; None when there are no more."""
        if self._keys is None:
            self._keys = self._identities.offer(self._settings, self._while_asking)
        async for batch in self._keys:
            self.tried += [_label(key) for key in batch]
            return batch
        return None

    async def password_auth_requested(self) -> str | None:
        """The next password to try; None when it is not to be asked for, or was wrong too often."""
        return await self._secret("Password")

    def kbdint_auth_requested(self) -> str | None:
        """Whether to let the host ask its own questions."""
        return "" if self._passwords and self._attempts < _ATTEMPTS else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answers to the host's questions, each asked of the operator; None when one is refused."""
        answers = []
        for text, _ in prompts:
            if "password" in text.lower():
                answer = await self._secret(text.strip(" :\n"))
            else:  # a one-time code: never the same twice
                answer = await self._while_asking(self._prompts.once(f"{text.strip()} ({self._who})"))
            if answer is None:
                return None
            answers.append(answer)
        return answers

    @property
    def _who(self) -> str:
        return f"{self._settings.user}@{self._settings.alias}"

    async def _secret(self, what: str) -> str | None:
        subject = f"password of {self._who}"
        if self._password is not None:  # the one before was wrong
            self._prompts.forget(subject, self._password)
        if not self._passwords or self._attempts >= _ATTEMPTS:
            return None
        again = "; the last one was not accepted" if self._attempts else ""
        self._attempts += 1
        self._password = await self._while_asking(self._prompts.secret(subject, f"{what} of {self._who}{again}"))
        if self._password is not None:
            self.tried.append("password")
        return self._password

    async def _while_asking(self, question: Awaitable[Any]) -> Any:
        """Wait for a person: the time limit stands still meanwhile."""
        loop = asyncio.get_running_loop()
        ends = self._limit.when()
        left = None if ends is None else ends - loop.time()
        self._limit.reschedule(None)
        try:
            return await question
        finally:
            self._limit.reschedule(None if left is None else loop.time() + left)


def _label(key: Any) -> str:
    if isinstance(key, tuple):
        return f"{_label(key[0])} with certificate"
    comment = key.get_comment()
    return f"{key.get_algorithm()} key {comment}" if comment else f"{key.get_algorithm()} key"
