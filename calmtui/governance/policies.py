"""The policies of an estate: Cedar files read and checked, every mistake with its place.

What is particular to calmtui stands in annotations: `@id` names a rule to people, `@advice` says what to
do instead. A `forbid` with `@approvals("2")` can be lifted by that many other people; `@approvers("sre,
leads")` says by members of which groups (`@quantifier("all")`: by that many of each), `@expires("4h")`
for how long an approval holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import cedarpy

from calmtui.estate.problems import EstateError, Problem
from calmtui.fleet.moment import seconds
from calmtui.governance.vocabulary import schema

DAY = 86_400.0
ANNOTATIONS = ("id", "advice", "approvals", "approvers", "quantifier", "expires")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|;|[^";/]+|/', re.DOTALL)
_QUOTED = re.compile(r"`([^`]+)`")
_NAME = re.compile(r"^[A-Za-z][\w.-]*$")


@dataclass(frozen=True)
class Requirement:
    """What lifts a rule: so many people of some groups."""

    number: int
    groups: tuple[str, ...] = ()
    """Members of any of these; empty: anybody but the requester."""
    every: bool = False
    """So many of each group, rather than of all of them together."""
    expires: float = DAY
    """Seconds for which an approval holds."""

    def __str__(self) -> str:
        people = f"{self.number} {'person' if self.number == 1 else 'people'}"
        joined = (" and " if self.every else " or ").join(self.groups)
        return f"{people} of {'each of ' if self.every and len(self.groups) > 1 else ''}{joined}" if joined else people


@dataclass(frozen=True)
class Rule:
    """One policy."""

    id: str
    place: str
    """`FILE:LINE`."""
    permits: bool
    advice: str = ""
    requirement: Requirement | None = None
    """What lifts it; None: nothing does."""


class Policies:
    """The rules of an estate, ready to decide."""

    def __init__(self, rules: Mapping[str, Rule], compiled: Mapping[str, Any]) -> None:
        """`compiled` holds the rules in Cedar's own JSON, by the same ids."""
        self.rules = rules
        self._compiled = compiled

    def without(self, lifted: Iterable[str]) -> cedarpy.PolicySet:
        """The rules, but for those that approvals have lifted."""
        gone = set(lifted)
        kept = {rule: body for rule, body in self._compiled.items() if rule not in gone}
        return cedarpy.PolicySet.from_json_str(
            json.dumps({"staticPolicies": kept, "templates": {}, "templateLinks": []})
        )


def load(folder: Path | None, actions: Iterable[str]) -> Policies:
    """The policies of `*.cedar` in a folder; where there are none, those that calmtui comes with.

    Raises EstateError with everything that is wrong in them.
    """
    files = sorted(folder.glob("*.cedar")) if folder is not None and folder.is_dir() else []
    texts = {str(file): _text(file) for file in files}
    if not texts:
        texts = {"default.cedar": resources.files(__package__).joinpath("default.cedar").read_text()}
    return compiled(texts, actions)


def compiled(texts: Mapping[str, str], actions: Iterable[str]) -> Policies:
    """Policies from texts by the names of their files. Raises EstateError."""
    reading = _Reading(schema(actions))
    for file, text in texts.items():
        for statement in _statements(text):
            reading.take(file, statement)
    if reading.problems:
        raise EstateError(reading.problems)
    return Policies(reading.rules, reading.compiled)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise EstateError([Problem(str(file), 0, 0, f"cannot be read: {reason}")]) from error


@dataclass(frozen=True)
class _Statement:
    """The text of one policy and where it begins, from 1."""

    text: str
    line: int
    column: int

    def place(self, word: str) -> tuple[int, int]:
        """Where a word stands in it, or where it begins."""
        found = re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", self.text) if word else None
        before = self.text[: found.start()] if found else ""
        lines = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1) + 1
        return self.line + lines, column if lines else self.column + column - 1


def _statements(text: str) -> Iterator[_Statement]:
    """The policies of a file one by one: Cedar itself does not say where in a file it found a mistake."""
    begin = None
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if begin is None and piece.strip() and not piece.startswith("//"):
            begin = token.start() + len(piece) - len(piece.lstrip())
        if piece == ";" and begin is not None:
            yield _cut(text, begin, token.end())
            begin = None
    if begin is not None:
        yield _cut(text, begin, len(text))


def _cut(text: str, begin: int, end: int) -> _Statement:
    before = text[:begin]
    return _Statement(text[begin:end], before.count("\n") + 1, begin - (before.rfind("\n") + 1) + 1)


class _Reading:
    """Reads statements; fills `problems` as it goes on."""

    def __init__(self, known: str) -> None:
        self.rules: dict[str, Rule] = {}
        self.compiled: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self._schema = cedarpy.Schema.from_str(known)

    def take(self, file: str, statement: _Statement) -> None:
        """Read one statement."""
        try:
            parsed = json.loads(cedarpy.policies_to_json_str(statement.text))
        except ValueError as error:
            self._problem(file, statement, str(error))
            return
        found = list(parsed["staticPolicies"].values())
        if len(found) != 1:
            self._problem(file, statement, "a template; policies have no slots here")
            return
        for wrong in cedarpy.validate_policies(statement.text, self._schema).errors:
            self._problem(file, statement, wrong.error.removeprefix(f"for policy `{wrong.policy_id}`, "))
        self._rule(file, statement, found[0])

    def _rule(self, file: str, statement: _Statement, body: dict[str, Any]) -> None:
        notes = {name: value or "" for name, value in body.get("annotations", {}).items()}
        name = notes.get("id") or f"{Path(file).stem}:{statement.line}"
        permits = body["effect"] == "permit"
        if name in self.rules:
            self._problem(file, statement, f"a second rule `{name}`; the first is at {self.rules[name].place}")
        for unknown in notes.keys() - set(ANNOTATIONS):
            self._problem(file, statement, f"unknown annotation `{unknown}`; allowed: {', '.join(ANNOTATIONS)}")
        place = f"{file}:{statement.line}"
        requirement = self._requirement(file, statement, notes, permits)
        self.rules[name] = Rule(name, place, permits, notes.get("advice", ""), requirement)
        self.compiled[name] = body

    def _requirement(
        self, file: str, statement: _Statement, notes: Mapping[str, str], permits: bool
    ) -> Requirement | None:
        if "approvals" not in notes:
            return None
        number, expires = notes["approvals"], seconds(notes.get("expires", "24h"))
        quantifier = notes.get("quantifier", "any")
        if permits:
            self._problem(file, statement, "`approvals` of a permit: only a forbid can be lifted")
        elif not (number.isascii() and number.isdecimal() and 1 <= int(number) <= 20):
            self._problem(file, statement, f"`approvals` is {number!r}; allowed: 1 to 20")
        elif expires is None:
            self._problem(file, statement, f"`expires` is {notes['expires']!r}; write 30m, 4h or 2d")
        elif quantifier not in ("any", "all"):
            self._problem(file, statement, f"`quantifier` is {quantifier!r}; allowed: any, all")
        else:
            groups = tuple(filter(None, re.split(r"[\s,]+", notes.get("approvers", ""))))
            return Requirement(int(number), groups, quantifier == "all", expires)
        return None

    def _problem(self, file: str, statement: _Statement, what: str) -> None:
        """A mistake, at the last word that it quotes and the statement has, or where the statement begins."""
        words = [word for word in (*_QUOTED.findall(what), what.rpartition(": ")[2]) if _NAME.match(word)]
        place = next((found for word in words if (found := statement.place(word)) != statement.place("")), None)
        line, column = place or (statement.line, statement.column)
        if not any((known.file, known.line, known.column) == (file, line, column) for known in self.problems):
            self.problems.append(Problem(file, line, column, what.replace("`", "'")))  # Cedar tells it for each action
