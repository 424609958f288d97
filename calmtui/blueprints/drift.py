"""Drift: what of a service is not as its blueprint declares it, node by node. Pure.

What is not known is a difference too: a node whose source does not answer is not counted as being as declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from calmtui.actions.outcome import Status
from calmtui.blueprints.bind import Bound, BoundTier
from calmtui.blueprints.declared import Count, Expect
from calmtui.blueprints.members import Members, of_tiers
from calmtui.fleet.node import Node, NodeId, State
from calmtui.runbooks import template

VERSION_LABELS = ("version", "app.kubernetes.io/version", "org.opencontainers.image.version", "Version")
"""The labels that tell a node's version, the first that there is."""


@dataclass(frozen=True)
class Answer:
    """What a node said when it was asked."""

    status: Status
    """OK, FAILED, or UNKNOWN when it could not be asked."""
    text: str


@dataclass(frozen=True)
class Looked:
    """What a look at a node has found, beyond what its source tells of it."""

    version: Answer | None = None
    """What it says its version is; None: it was not asked."""
    check: Answer | None = None
    """What came of the tier's check; None: it was not made."""


Looks = Mapping[tuple[str, NodeId], Looked]
"""By tier and node."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it is declared, or of which that is not known."""

    what: str
    """`count`, `state`, `image`, `version`, `label.KEY`, `check`, `source`, `tier`."""
    found: str
    wanted: str
    unknown: bool = False
    """It may be as declared: nobody could tell."""

    @property
    def sentence(self) -> str:
        """It in words: `version 1.9.1, not 1.9.2`."""
        if self.unknown:
            return f"{self.what} not known: {self.found}"
        return f"{self.what} {self.found}" + (f", not {self.wanted}" if self.wanted else "")


@dataclass(frozen=True)
class NodeDrift:
    """A node of a tier."""

    node: Node
    differences: tuple[Difference, ...]

    @property
    def wrong(self) -> bool:
        """Whether anything is known to be otherwise."""
        return any(not difference.unknown for difference in self.differences)


@dataclass(frozen=True)
class TierDrift:
    """A tier, each of its nodes beside what is declared."""

    name: str
    count: Count
    nodes: tuple[NodeDrift, ...]
    differences: tuple[Difference, ...]
    """Of the tier as a whole: too few nodes, or too many."""
    unchecked: bool
    """It has a check, or a command that tells versions, and the nodes were not asked."""

    @property
    def total(self) -> int:
        """How many nodes there should be at least, or more where there are more."""
        return max(self.count.min, len(self.nodes))

    @property
    def good(self) -> int:
        """How many of them are as declared."""
        return sum(not node.differences for node in self.nodes)

    @property
    def bad(self) -> list[NodeDrift]:
        """The nodes that are not as declared, or of which it is not known."""
        return [node for node in self.nodes if node.differences]


@dataclass(frozen=True)
class Drift:
    """A service in one environment beside its blueprint."""

    blueprint: str
    environment: str
    tiers: tuple[TierDrift, ...]
    strays: tuple[Node, ...]
    """What belongs to the service, and is in no tier."""
    silent: Mapping[str, str]
    """Sources that do not answer and may hold more of it, each with the reason."""

    @property
    def total(self) -> int:
        """How many nodes there should be."""
        return sum(tier.total for tier in self.tiers)

    @property
    def good(self) -> int:
        """How many nodes are as declared."""
        return sum(tier.good for tier in self.tiers)

    @property
    def fine(self) -> bool:
        """Whether everything is known to be as declared, as far as it was looked at."""
        return not (self.strays or self.silent) and all(
            tier.good == tier.total and not tier.differences for tier in self.tiers
        )

    @property
    def wrong(self) -> bool:
        """Whether anything is known to be otherwise."""
        return bool(self.strays) or any(
            any(not one.unknown for one in tier.differences) or any(node.wrong for node in tier.nodes)
            for tier in self.tiers
        )

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The tiers whose nodes were not asked for what only they can tell."""
        return tuple(tier.name for tier in self.tiers if tier.unchecked)

    @property
    def completeness(self) -> str:
        """`7 of 8`."""
        return f"{self.good} of {self.total}"

    @property
    def reasons(self) -> list[str]:
        """All that differs, what is wrong before what is not known: `web-05: version 1.9.1, not 1.9.2`."""
        found = [(one.unknown, f"{tier.name}: {one.sentence}") for tier in self.tiers for one in tier.differences]
        found += [(one.unknown, f"{node.node.name}: {one.sentence}")
                  for tier in self.tiers for node in tier.nodes for one in node.differences]  # fmt: skip
        found += [(False, f"{node.name}: in no tier") for node in self.strays]
        found += [(True, f"source {name} does not answer: {why}") for name, why in self.silent.items()]
        return [text for _, text in sorted(found, key=lambda pair: pair[0])]


def compare(
    bound: Bound,
    found: Members,
    *,
    is_stale: Callable[[Node], bool],
    silent: Mapping[str, str],
    looks: Looks | None = None,
) -> Drift:
    """A service beside its blueprint.

    `silent` are the sources that do not answer, with the reasons. Without `looks`, what only the nodes themselves can
    tell is not compared, and the tiers say that they are unchecked.
    """
    shared = {**bound.variables, **of_tiers(found)}
    tiers = []
    for tier in bound.tiers:
        nodes = found.tiers[tier.name]
        drifts = tuple(NodeDrift(node, tuple(_of_node(tier, node, shared, found, is_stale, looks))) for node in nodes)
        count = tuple(_of_count(tier.expect.count, len(nodes), silent))
        unchecked = looks is None and bool(nodes) and asks(tier)
        tiers.append(TierDrift(tier.name, tier.expect.count, drifts, count, unchecked))
    hidden = {} if all(_settled(tier) for tier in tiers) else silent
    return Drift(bound.blueprint, bound.environment, tuple(tiers), found.strays, hidden)


def asks(tier: BoundTier) -> bool:
    """Whether there is something that only the nodes of a tier can tell."""
    expect = tier.expect
    return tier.check is not None or (expect.version is not None and expect.version_by is not None)


def version_of(node: Node) -> str:
    """The version that a label or the tag of its image tells; empty: nothing does."""
    for key in VERSION_LABELS:
        if key in node.labels:
            return node.labels[key]
    image = node.image.partition("@")[0]
    return image.rpartition("/")[2].partition(":")[2]


def _settled(tier: TierDrift) -> bool:
    """Whether no further node can be missing: just as many are known as are declared."""
    return tier.count.min == tier.count.max == len(tier.nodes)


def _of_count(count: Count, there: int, silent: Mapping[str, str]) -> Iterator[Difference]:
    if there < count.min:
        text = f"{there} ({count.min - there} missing)"
        if silent:
            text += f"; {' and '.join(silent)} may have more"
        yield Difference("count", text, said(count), unknown=bool(silent))
    elif count.max is not None and there > count.max:
        yield Difference("count", f"{there} ({there - count.max} too many)", said(count))


def said(count: Count) -> str:
    """`8`, `2 to 6`, `2 or more`."""
    if count.max is None:
        return f"{count.min} or more"
    return str(count.min) if count.min == count.max else f"{count.min} to {count.max}"


def _of_node(
    tier: BoundTier,
    node: Node,
    shared: Mapping[str, str],
    found: Members,
    is_stale: Callable[[Node], bool],
    looks: Looks | None,
) -> Iterator[Difference]:
    others = [name for name in found.tiers_of[node.id] if name != tier.name]
    if others:
        yield Difference("tier", f"{' and '.join([tier.name, *others])}", "one of them")
    if is_stale(node):
        yield Difference("source", f"{node.source} does not answer for it", "", unknown=True)
        return  # what is shown of it is what was last known
    yield from _of_state(tier.expect, node)
    values = {**shared, **template.of_node(node)}
    looked = None if looks is None else looks.get((tier.name, node.id), Looked())
    yield from _of_texts(tier.expect, node, values)
    yield from _of_version(tier.expect, node, values, looked)
    if looked is not None and tier.check is not None:
        yield from _of_check(looked.check)


def _of_state(expect: Expect, node: Node) -> Iterator[Difference]:
    if node.state.value not in expect.state:
        why = f" ({node.reason})" if node.reason else ""
        word = node.raw_state or node.state.value
        yield Difference("state", f"{word}{why}", " or ".join(expect.state), unknown=node.state is State.UNKNOWN)


def _of_texts(expect: Expect, node: Node, values: Mapping[str, str]) -> Iterator[Difference]:
    if expect.image is not None:
        yield from _of_text("image", node.image, template.text(expect.image, values))
    for key, declared in expect.labels.items():
        wanted = template.text(declared, values)
        if key not in node.labels or not _fits(node.labels[key], wanted):
            yield Difference(f"label.{key}", node.labels.get(key, "missing"), wanted)


def _of_version(expect: Expect, node: Node, values: Mapping[str, str], looked: Looked | None) -> Iterator[Difference]:
    if expect.version is None:
        return
    wanted = template.text(expect.version, values)
    if expect.version_by is None:
        yield from _of_text("version", version_of(node), wanted)
    elif looked is not None:
        answer = looked.version or Answer(Status.UNKNOWN, "it was not asked")
        if answer.status is Status.OK:
            yield from _of_text("version", answer.text, wanted)
        else:
            yield Difference("version", answer.text, wanted, unknown=True)


def _of_text(what: str, there: str, wanted: str) -> Iterator[Difference]:
    if not there:
        yield Difference(what, "its source does not tell", wanted, unknown=True)
    elif not _fits(there, wanted):
        yield Difference(what, there, wanted)


def _fits(there: str, wanted: str) -> bool:
    """Whether a text is what is wanted, in which `*` stands for anything."""
    return fnmatchcase(there, wanted.replace("[", "[[]"))


def _of_check(answer: Answer | None) -> Iterator[Difference]:
    if answer is None:
        yield Difference("check", "it was not made", "", unknown=True)
    elif answer.status is Status.FAILED:
        yield Difference("check", f"failed: {answer.text}" if answer.text else "failed", "")
    elif answer.status is not Status.OK:
        yield Difference("check", answer.text, "", unknown=True)
