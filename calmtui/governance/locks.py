"""One changing operation at a time on a node, across all consoles on a ledger. Everything here blocks.

A lock is a lease: a console that dies leaves locks that end by themselves. What is carried on by another
process keeps its locks: they are that one's from then on, and the first can neither renew nor release them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from calmtui.store import ledger, postgres

LEASE = 60.0
"""Seconds that a lock holds without being renewed."""
RENEW = 20.0
"""Seconds after which whoever holds locks renews them."""


@dataclass(frozen=True)
class Held:
    """A node that somebody else is changing."""

    node: str
    who: str
    action: str
    since: float
    """Seconds since the epoch."""


class Locks:
    """The locks of one estate, for one plan of one person."""

    def __init__(self, path: ledger.Place, estate: str, plan: str, who: str, action: str) -> None:
        """`plan` tells this carrying out from every other; it need not be the plan's hash alone."""
        self._path = path
        self._estate = estate
        self._plan = plan
        self._who = who
        self._action = action
        self._token = secrets.token_hex(8)

    def take(self, nodes: Iterable[str]) -> list[Held]:
        """Lock nodes; those that others hold are left and told. Raises StoreError."""
        wanted = list(nodes)
        with ledger.writing(self._path) as connection:
            now = postgres.now(connection)
            connection.execute("delete from locks where until < ?", (now,))
            connection.executemany(
                "insert into locks (node, estate, plan, who, action, since, until, token)"
                " values (?, ?, ?, ?, ?, ?, ?, ?)"
                " on conflict (node) do update set until = excluded.until, token = excluded.token"
                " where locks.plan = excluded.plan",
                [
                    (self._key(node), self._estate, self._plan, self._who, self._action, now, now + LEASE, self._token)
                    for node in wanted
                ],
            )
            rows = connection.execute(
                "select node, who, action, since from locks where estate = ? and plan != ?", (self._estate, self._plan)
            ).fetchall()
        others = {node: (who, action, since) for node, who, action, since in rows}
        return [Held(node, *others[key]) for node in wanted if (key := self._key(node)) in others]

    def renew(self) -> None:
        """Hold them for another lease. Raises StoreError."""
        with ledger.writing(self._path) as connection:
            connection.execute(
                "update locks set until = ? where plan = ? and token = ?",
                (postgres.now(connection) + LEASE, self._plan, self._token),
            )

    def release(self, nodes: Iterable[str] | None = None) -> None:
        """Let go of some nodes, or of all that this plan holds. Raises StoreError."""
        with ledger.writing(self._path) as connection:
            if nodes is None:
                connection.execute("delete from locks where plan = ? and token = ?", (self._plan, self._token))
            else:
                connection.executemany(
                    "delete from locks where node = ? and plan = ? and token = ?",
                    [(self._key(node), self._plan, self._token) for node in nodes],
                )

    def _key(self, node: str) -> str:
        return f"{self._estate} {node}"
