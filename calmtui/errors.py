"""What can go wrong, as an operator is told it.

CalmError                    what happened, where, what to do next
├── UsageError               the command, query or file was wrong: exit code 2
└── Refused                  policy or read-only mode said no: exit code 3

Families live beside their subject (`SourceError` in `providers.base`, `EstateError` in
`estate.problems`). None of them carries a secret: texts are shown, logged and stored.
"""

from __future__ import annotations


class CalmError(Exception):
    """Something failed in a way that an operator can be told about.

    `what` is one sentence without a full stop, `where` a host, source or `file:line:column`,
    `next_step` what to do about it; the last two may be empty.
    """

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.next_step}" if self.next_step else text


class UsageError(CalmError):
    """What was typed or written cannot be carried out as it stands."""


class Refused(CalmError):
    """Policy, a freeze or read-only mode forbids it."""
