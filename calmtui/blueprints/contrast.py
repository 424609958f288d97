"""Two environments of a service side by side: what they have, and which of the differences are declared. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calmtui.blueprints.bind import Bound, BoundTier
from calmtui.blueprints.drift import Difference, Drift, Looks, TierDrift, version_of
from calmtui.fleet.node import Node


@dataclass(frozen=True)
class Aspect:
    """One thing of a tier in both environments."""

    tier: str
    what: str
    """`count`, `state`, `image`, `version`, `label.KEY`."""
    left: str
    """What there is: `shop/web:1.9.2`, or `1.9.2 ×7, 1.9.1 ×1`."""
    right: str
    left_drifts: bool
    """It is not as declared there."""
    right_drifts: bool
    declared: bool
    """Both environments say what it should be."""
    unknown: bool = False
    """Of some node it is not known."""

    @property
    def same(self) -> bool:
        """Whether both have the same."""
        return self.left == self.right

    @property
    def word(self) -> str:
        """What is to be thought of it: `same`, `as declared`, `drift`, `not known`, `differs`."""
        if self.left_drifts or self.right_drifts:
            return "drift"
        if self.unknown:
            return "not known"
        if self.same:
            return "same"
        return "as declared" if self.declared else "differs"

    @property
    def unexplained(self) -> bool:
        """Whether one is not as declared or not known, or they differ and nothing says that they should."""
        return self.word in ("drift", "not known", "differs")


@dataclass(frozen=True)
class Side:
    """A service in one environment, with what there is of it."""

    bound: Bound
    drift: Drift
    looks: Looks | None = None


def contrast(left: Side, right: Side) -> list[Aspect]:
    """Tier by tier, all that is compared, whether or not it differs."""
    found: list[Aspect] = []
    pairs = zip(left.bound.tiers, left.drift.tiers, right.bound.tiers, right.drift.tiers, strict=True)
    for one, one_drift, other, other_drift in pairs:
        found += (
            Aspect(
                one.name, what, _there(what, one_drift, left.looks), _there(what, other_drift, right.looks),
                _drifts(what, one_drift), _drifts(what, other_drift),
                what == "count" or (_declares(one, what) and _declares(other, what)),
                _unknown(what, one_drift) or _unknown(what, other_drift),
            )
            for what in _aspects(one, other)
        )  # fmt: skip
    return found


def _aspects(*tiers: BoundTier) -> list[str]:
    keys = dict.fromkeys(f"label.{key}" for tier in tiers for key in tier.expect.labels)
    version = ["version"] if any(tier.expect.version is not None for tier in tiers) else []  # else the image tells it
    return ["count", "state", "image", *version, *keys]


def _declares(tier: BoundTier, what: str) -> bool:
    if what.startswith("label."):
        return what.removeprefix("label.") in tier.expect.labels
    return what == "state" or getattr(tier.expect, what) is not None


def _drifts(what: str, tier: TierDrift) -> bool:
    return any(one.what == what and not one.unknown for one in _differences(tier))


def _unknown(what: str, tier: TierDrift) -> bool:
    """Whether it is not known of some node; what is missing is not known to be, or is missing, in the count alone."""
    doubtful = (what,) if what == "count" else (what, "source")
    return any(one.what in doubtful and one.unknown for one in _differences(tier))


def _differences(tier: TierDrift) -> Iterator[Difference]:
    yield from tier.differences
    for node in tier.nodes:
        yield from node.differences


def _there(what: str, tier: TierDrift, looks: Looks | None) -> str:
    if what == "count":
        return str(len(tier.nodes))
    counts = Counter(_values(what, tier, looks))
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ×{count}" for value, count in sorted(counts.items(), key=lambda pair: -pair[1]))


def _values(what: str, tier: TierDrift, looks: Looks | None) -> Iterator[str]:
    for drift in tier.nodes:
        looked = looks.get((tier.name, drift.node.id)) if looks is not None else None
        if what == "version" and looked is not None and looked.version is not None:
            yield looked.version.text or "–"
        else:
            yield _value(what, drift.node) or "–"


def _value(what: str, node: Node) -> str:
    if what == "state":
        return node.state.value
    if what == "version":
        return version_of(node)
    return node.image if what == "image" else node.labels.get(what.removeprefix("label."), "")


def unexplained(aspects: Iterable[Aspect]) -> list[Aspect]:
    """Those that nothing declares."""
    return [aspect for aspect in aspects if aspect.unexplained]
