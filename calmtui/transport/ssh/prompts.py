"""Passwords and passphrases: asked for once each, one at a time, kept in this process's memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Ask = Callable[[str], Awaitable[str | None]]
"""Asks the operator for a secret, not echoed; None when it is refused or there is nobody to ask."""


class Prompts:
    """What the operator has answered so far, by the thing that was asked for."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._one_at_a_time = asyncio.Lock()
        self._answers: dict[str, str | None] = {}

    def __repr__(self) -> str:
        return f"Prompts({len(self._answers)} answers)"

    async def secret(self, subject: str, prompt: str) -> str | None:
        """The secret of a subject (`passphrase of PATH`), asked for the first time only; None: refused."""
        async with self._one_at_a_time:
            if subject not in self._answers:
                self._answers[subject] = await self._ask(prompt)
            return self._answers[subject]

    async def once(self, prompt: str) -> str | None:
        """The answer to a question that has to be asked every time."""
        async with self._one_at_a_time:
            return await self._ask(prompt)

    def forget(self, subject: str, secret: str) -> None:
        """The secret was wrong: it is asked for again next time, unless it has been replaced meanwhile."""
        if self._answers.get(subject) == secret:
            del self._answers[subject]
