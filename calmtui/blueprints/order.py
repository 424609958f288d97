"""The order of tiers: each after all that it needs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Needs = Mapping[str, Collection[str]]
"""For each tier by name, the tiers that it needs."""


def order(tiers: Iterable[str], needs: Needs) -> list[str]:
    """The tiers, each after all that it needs, else as they were given. Raises ValueError where there is no order."""
    left, found = list(tiers), list[str]()
    while left:
        ready = next((tier for tier in left if not set(needs.get(tier, ())) & set(left)), None)
        if ready is None:
            raise ValueError(f"they need each other: {' → '.join(cycle(left, needs))}")
        left.remove(ready)
        found.append(ready)
    return found


def cycle(tiers: Collection[str], needs: Needs) -> list[str]:
    """Tiers of which each needs the next, from one back to itself; empty: there is an order."""
    done: set[str] = set()

    def walk(tier: str, path: list[str]) -> list[str]:
        if tier in path:
            return [*path[path.index(tier) :], tier]
        if tier in done or tier not in tiers:
            return []
        for needed in needs.get(tier, ()):
            if circle := walk(needed, [*path, tier]):
                return circle
        done.add(tier)
        return []

    return next(filter(None, (walk(tier, []) for tier in tiers)), [])
