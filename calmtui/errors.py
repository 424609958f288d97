"""What can go wrong, as an operator is told it.

CalmError                    what happened, where, what to do next
├── UsageError               the command, query or file was wrong: exit code 2
├── Refused                  policy or read-only mode said no: exit code 3
└── SourceError              a source failed, or failed in one request
    ├── Unreachable          no answer: refused, timed out, name unknown, connection lost
    ├── AuthFailed           the other side does not accept who we are
    ├── HostKeyRejected      who they are is unknown: never connected
    │   └── HostKeyChanged   they are not who they were: never connected
    ├── Forbidden            known, but may not do that
    ├── Misconfigured        the settings cannot work: a missing file, an unknown context or profile
    ├── Throttled            asked too often
    ├── NodeGone             the node does not exist any more
    └── OutcomeUnknown       the connection died after an act was sent: it may have happened

Other families live beside their subject (`EstateError` in `estate.problems`). None of them carries
a secret: texts are shown, logged and stored.
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


class SourceError(CalmError):
    """A source failed, or failed in one request. `where` names the source or host."""


class Unreachable(SourceError):
    """No answer: refused, timed out, name unknown, connection lost."""


class AuthFailed(SourceError):
    """The other side does not accept who we are."""


class HostKeyRejected(SourceError):
    """The other side's key is unknown or has changed; nothing was sent to it."""


class HostKeyChanged(HostKeyRejected):
    """The other side's key is not the one known for it: reinstalled, or somebody in between."""


class Forbidden(SourceError):
    """The other side knows us and says no."""


class Misconfigured(SourceError):
    """The settings cannot work as they stand."""


class Throttled(SourceError):
    """The other side asks us to slow down."""


class NodeGone(SourceError):
    """The node does not exist any more."""


class OutcomeUnknown(SourceError):
    """The connection died after an act was sent; it may or may not have happened."""
