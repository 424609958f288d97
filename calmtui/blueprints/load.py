"""Blueprint files: from a name to a blueprint, or to everything that is wrong with the file, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calmtui.blueprints import order
from calmtui.blueprints.declared import DeclaredBlueprint
from calmtui.errors import UsageError
from calmtui.estate import named
from calmtui.estate.model import Estate
from calmtui.estate.problems import EstateError, closest, one_of
from calmtui.estate.written import Loc, Written, read
from calmtui.fleet.query import parse
from calmtui.runbooks import template
from calmtui.runbooks.load import COMMANDS

FOLDER = "blueprints"
"""The folder of an estate that holds its blueprints."""
QUERIES = ("query", "when")
"""Keys whose text is put together for the query language."""
TIER_FIELDS = ("address", "addresses", "name", "names", "count")
"""What of another tier can be put in, as `{{ TIER.address }}`: of its first node by name, or of all of them."""
NODE_TEXTS = ("expect", "check", "start", "stop", "restart")
"""Keys of a tier whose texts are about one of its nodes."""


@dataclass(frozen=True)
class Blueprint:
    """A blueprint and the file that it stands in."""

    declared: DeclaredBlueprint
    path: Path
    tiers: tuple[str, ...]
    """The names of its tiers in their order: each after all that it needs."""
    needs: Mapping[str, tuple[str, ...]]
    """For each tier, what it needs, whether that is said or follows from a reference."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.declared.blueprint


def folder(estate: Estate) -> Path:
    """Where the blueprints of an estate are, whether or not it has any."""
    return estate.folder / FOLDER


def known(estate: Estate) -> list[str]:
    """The names of an estate's blueprints, sorted."""
    return named.names(folder(estate))


def load(estate: Estate, name: str) -> Blueprint:
    """The blueprint of that name. Raises UsageError when there is none, EstateError with all that is wrong in it."""
    return load_file(named.file_of(folder(estate), name, "blueprint"))


def load_file(path: Path) -> Blueprint:
    """The blueprint in a file. Raises EstateError with everything that is wrong in it."""
    written = read(path, None)
    declared = named.declared(written, path, DeclaredBlueprint, "blueprint")
    if isinstance(written.value, dict):
        _Reading(written).check()
    if written.problems or declared is None:
        raise EstateError(written.problems)
    needs = _needs(declared)
    return Blueprint(declared, path, tuple(order.order(declared.tiers, needs)), needs)


def _needs(declared: DeclaredBlueprint) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, tier in declared.tiers.items():
        bodies: list[Any] = [tier.model_dump(exclude_unset=True)]
        bodies += [environment.tiers[name].model_dump(exclude_unset=True)
                   for environment in declared.environments.values() if name in environment.tiers]  # fmt: skip
        names = {family for body in bodies for _, text in named.texts(body) for family, _ in _references(text)}
        found[name] = tuple(other for other in declared.tiers if other in names or other in tier.needs)
    return found


def _references(text: str) -> Iterator[tuple[str, str]]:
    """What a text takes of tiers and nodes: family and field. Raises UsageError."""
    for name in template.names(text):
        family, dot, field = name.partition(".")
        if dot:
            yield family, field


class _Reading:
    """What the models cannot see of one file: what its texts name, and whether the tiers have an order."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self._tiers = _mapping(written.value.get("tiers"))
        self._environments = _mapping(written.value.get("environments"))
        self._common = _mapping(written.value.get("variables"))
        self._edges: dict[str, dict[str, Loc]] = {name: {} for name in self._tiers}
        """For each tier, what it needs, and where that stands."""

    def check(self) -> None:
        """Record all that is wrong."""
        for name in self._tiers:
            self._look_at_needs(name)
        for environment, body in self._environments.items():
            for name in _mapping(_mapping(body).get("tiers")):
                self._check_tier(name, ("environments", environment, "tiers", name))
        for loc, text in named.texts(self._written.value):
            if "variables" not in (loc[0], *loc[2:3]) and loc[0] not in ("blueprint", "summary"):
                self._check_text(loc, text)
        circle = order.cycle(self._edges, self._edges)
        if circle:
            place = self._written.place(self._edges[circle[0]][circle[1]])
            said = f"the tiers need each other: {' → '.join(circle)}"
            self._written.add(place, said, "there is no order to start them in")

    def _look_at_needs(self, name: str) -> None:
        needs = _mapping(self._tiers[name]).get("needs")
        loc: Loc = ("tiers", name, "needs")
        listed = [(loc, needs)] if isinstance(needs, str) else []
        listed += [((*loc, index), item) for index, item in enumerate(needs)] if isinstance(needs, list) else []
        for at, needed in listed:
            if isinstance(needed, str) and self._check_tier(needed, at):
                self._edges[name].setdefault(needed, at)

    def _check_tier(self, name: str, loc: Loc) -> bool:
        """Whether there is a tier of that name; else that is recorded."""
        if name in self._tiers:
            return True
        place = self._written.keys.get(loc, self._written.place(loc)) if loc[-1] == name else self._written.place(loc)
        self._written.add(place, f"there is no tier {name!r}", one_of(list(self._tiers)), closest(name, self._tiers))
        return False

    def _check_text(self, loc: Loc, text: str) -> None:
        tier = loc[1] if loc[0] == "tiers" else loc[3] if loc[2:3] == ("tiers",) and len(loc) > 3 else ""
        where = loc[2:3] if loc[0] == "tiers" else loc[4:5]
        try:
            names = template.names(text)
            for name in names:
                self._check_name(name, loc, str(tier), of_node=bool(where) and where[0] in NODE_TEXTS)
            sample = dict.fromkeys(names, "x")
            if loc[-1] in QUERIES:
                parse(template.query(text, sample))
            elif loc[-1] in (*COMMANDS, "version_by"):
                template.shell(text, sample)
        except UsageError as error:
            self._written.add(self._written.place(loc), error.what, error.next_step)

    def _check_name(self, name: str, loc: Loc, tier: str, *, of_node: bool) -> None:
        """Raise UsageError for what stands for nothing there; note which tier is needed."""
        family, dot, field = name.partition(".")
        if not dot:
            self._check_variable(name, loc)
        elif not of_node:
            raise UsageError(f"there is no {{{{ {name} }}}} yet", next_step="the nodes are what is asked for")
        elif family in self._tiers:
            if field not in TIER_FIELDS:
                near = closest(field, TIER_FIELDS)
                known = f"of a tier there are {', '.join(TIER_FIELDS)}"
                raise UsageError(f"there is no {{{{ {name} }}}}", next_step=_meant(near, family) or known)
            self._edges.setdefault(tier, {}).setdefault(family, loc)
        elif family != "node" or (field not in template.NODE_FIELDS and not field.startswith("label.")):
            near = closest(name, [*(f"node.{item}" for item in template.NODE_FIELDS),
                                  *(f"{each}.{item}" for each in self._tiers for item in TIER_FIELDS)])  # fmt: skip
            raise UsageError(
                f"there is no {{{{ {name} }}}}", next_step=_meant(near) or "write node.NAME or TIER.address"
            )

    def _check_variable(self, name: str, loc: Loc) -> None:
        """Raise UsageError unless each environment in which the text counts has that variable."""
        counts = {str(loc[1]): self._environments[str(loc[1])]} if loc[0] == "environments" else self._environments
        without = [each for each, body in counts.items()
                   if name not in self._common and name not in _mapping(_mapping(body).get("variables"))]  # fmt: skip
        if not without:
            return
        if len(without) < len(counts):
            step = f"give it in 'variables' of {' and '.join(without)}, or for all of them"
            raise UsageError(f"{{{{ {name} }}}} has no value in {' and '.join(without)}", next_step=step)
        there = {
            *self._common,
            *(each for body in counts.values() for each in _mapping(_mapping(body).get("variables"))),
        }
        near = closest(name, there)
        raise UsageError(
            f"there is no {{{{ {name} }}}}",
            next_step=_meant(near) or f"variables: {', '.join(sorted(there))}" if there else "there are no variables",
        )


def _meant(near: str, family: str = "") -> str:
    return f"did you mean {'.'.join(filter(None, (family, near)))!r}?" if near else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
