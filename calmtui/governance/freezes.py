"""Freezes: windows of time in which part of an estate is not changed, once or recurring (RFC 5545).

Times are those of clocks in the freeze's zone, so that a weekly freeze begins at 17:00 in summer and winter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr

from calmtui.estate.model import Freeze
from calmtui.fleet.node import Node

SOON = 24 * 3600.0
"""Seconds ahead in which a coming freeze is shown: nobody should run into one."""


@dataclass(frozen=True)
class Windows:
    """The windows of one freeze."""

    freeze: Freeze

    def at(self, moment: float) -> tuple[float, float] | None:
        """The window that holds at a moment, or else the next one; None when there is none. Seconds since the epoch."""
        local = datetime.fromtimestamp(moment, self._zone).replace(tzinfo=None)
        begin = self._before(local)
        if begin is not None and moment < self._epoch(begin + self.freeze.lasts):
            return self._epoch(begin), self._epoch(begin + self.freeze.lasts)
        following = self._after(local)
        return None if following is None else (self._epoch(following), self._epoch(following + self.freeze.lasts))

    def hold(self, moment: float) -> bool:
        """Whether a moment, seconds since the epoch, is within one."""
        window = self.at(moment)
        return window is not None and window[0] <= moment

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.freeze.zone)

    @cached_property
    def _rule(self) -> rrule | rruleset:
        return rrulestr(self.freeze.recurrence, dtstart=self.freeze.begins, cache=True)

    def _before(self, local: datetime) -> datetime | None:
        if not self.freeze.recurrence:
            return self.freeze.begins if self.freeze.begins <= local else None
        return self._rule.before(local, inc=True)

    def _after(self, local: datetime) -> datetime | None:
        if not self.freeze.recurrence:
            return self.freeze.begins if self.freeze.begins > local else None
        return self._rule.after(local)

    def _epoch(self, local: datetime) -> float:
        return local.replace(tzinfo=self._zone).timestamp()


Selects = Callable[[Node], bool]


class Freezes:
    """The freezes of an estate with their scopes compiled; asked for nodes and moments."""

    def __init__(self, declared: Iterable[Freeze], compiled: Callable[[str], Selects]) -> None:
        """`compiled` makes a predicate of a query."""
        self._all = [
            (
                Windows(item),
                compiled(item.scope) if item.scope else None,
                compiled(item.excepted) if item.excepted else None,
            )
            for item in declared
        ]

    def holding(self, at: float) -> list[Freeze]:
        """Those whose window holds at a moment, whatever their scope."""
        return [windows.freeze for windows, _, _ in self._all if windows.hold(at)]

    def end(self, names: Collection[str], at: float) -> float:
        """When the last of some freezes ends that hold at a moment. Seconds since the epoch."""
        windows = [item.at(at) for item, _, _ in self._all if item.freeze.name in names]
        return max((window[1] for window in windows if window is not None), default=at)

    def of(self, nodes: Sequence[Node], at: float) -> list[tuple[str, ...]]:
        """For each node the names of the freezes that hold for it."""
        holding = [entry for entry in self._all if entry[0].hold(at)]
        return [
            tuple(item.freeze.name for item, scope, excepted in holding if _frozen(node, scope, excepted))
            for node in nodes
        ]


def _frozen(node: Node, scope: Selects | None, excepted: Selects | None) -> bool:
    return (scope is None or scope(node)) and (excepted is None or not excepted(node))
