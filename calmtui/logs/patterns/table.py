"""Patterns: the table of templates that lines were folded to, and questions to it.

Lines are looked up by their fingerprint, then by what is left of them when the parts that vary are taken out; only
what is new after that is compared with the templates there are. Memory is bounded: when the table is full, the
templates longest unseen are added up in one row, and when that happens too often, lines that fit no template go there.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import Generic, TypeVar

from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note
from calmtui.logs.patterns.drain import Clusters
from calmtui.logs.patterns.normalise import fingerprint, is_request, normalised
from calmtui.logs.patterns.template import Tally, Template

MAX_TEMPLATES = 1000
"""Templates told apart; half of them are kept when there are more."""
MAX_REQUESTS = 200
"""Requests told apart by their whole path; further ones are compared as other lines are."""
MAX_KNOWN = 20_000
"""Texts whose template is remembered, in each of two halves."""
TOO_OFTEN = 50_000
"""Lines: a table that fills up twice within so many is not worth filling; as many then go without a template."""

Key = TypeVar("Key", str, bytes)

REST = "(lines of rare patterns)"
INDENTED = "(indented lines: stack traces and the like)"


class Patterns:
    """Folds lines to templates. May be fed in one thread and asked in another."""

    def __init__(self) -> None:
        self.lines = 0
        """Lines fed so far: what the templates' counts add up to."""
        self._lock = threading.Lock()
        self._tallies: dict[int, Tally] = {}
        self._marks: Recent[bytes] = Recent()
        self._texts: Recent[str] = Recent()
        self._requests: dict[str, Tally] = {}
        self._clusters = Clusters()
        self._by_cluster: dict[int, Tally] = {}
        self._numbers = 0
        self._rest = self._new(REST)
        self._indented = self._new(INDENTED)
        self._filled = -TOO_OFTEN
        """Lines that had been fed when the table was last full."""
        self._resting = 0
        """Lines that must have been fed before new templates are made again."""

    def add(self, lines: Iterable[LogLine]) -> None:
        """Fold lines in; notes are left out. About 3 µs for a line like one that has been."""
        with self._lock:
            for line in lines:
                if isinstance(line, Note):
                    continue
                text = line.text[line.stamp :]
                mark = fingerprint(text)
                tally = self._marks.get(mark)
                if tally is None:
                    tally = self._placed(mark, text)
                self.lines += 1
                tally.add(line, self.lines)

    def table(self, since: int | None = None, nodes: Collection[str] | None = None) -> list[Template]:
        """The templates, most lines first: those first seen at `since` or later, and on no other nodes than these."""
        with self._lock:
            templates = [tally.template() for tally in self._tallies.values() if tally.count]
        if since is not None:
            templates = new_since(templates, since)
        if nodes is not None:
            templates = only_on(templates, nodes)
        return sorted(templates, key=lambda template: (-template.count, template.number))

    def nodes(self, template: Template) -> dict[str, int]:
        """Lines of a template by node id, as of now; empty when it has gone from the table."""
        with self._lock:
            tally = self._tallies.get(template.number)
            return dict(tally.nodes) if tally else {}

    def matches(self, template: Template, line: LogLine) -> bool:
        """Whether the line is folded to this template now. Lines that were never fed match none but by chance."""
        text = line.text[line.stamp :]
        with self._lock:
            tally = self._marks.get(fingerprint(text)) or self._texts.get(normalised(text))
        if tally is None and text[:1] in (" ", "\t"):
            return template.text == INDENTED
        return tally is not None and tally.number == template.number

    def _placed(self, mark: bytes, text: str) -> Tally:
        """The template of a line whose fingerprint is new."""
        if text[:1] in (" ", "\t"):
            return self._indented
        plain = normalised(text)
        tally = self._texts.get(plain)
        if tally is None:
            if self.lines < self._resting:
                return self._rest
            if len(self._tallies) > MAX_TEMPLATES:
                self._make_room()
            tally = self._made(plain)
            self._texts.put(plain, tally)
        self._marks.put(mark, tally)
        return tally

    def _made(self, plain: str) -> Tally:
        """The template of a text that is not remembered: one that it can join, or one of its own."""
        if is_request(plain):
            tally = self._requests.get(plain)
            if tally is None and len(self._requests) < MAX_REQUESTS:
                tally = self._requests[plain] = self._new(plain)
            if tally is not None:
                return tally
        cluster = self._clusters.place(plain)
        tally = self._by_cluster.get(cluster.cluster_id)
        if tally is None:
            tally = self._by_cluster[cluster.cluster_id] = self._new(plain)
            tally.cluster = cluster
        tally.text = cluster.get_template()
        return tally

    def _new(self, text: str) -> Tally:
        self._numbers += 1
        tally = self._tallies[self._numbers] = Tally(self._numbers, text)
        return tally

    def _make_room(self) -> None:
        """Keep the half of the templates seen last, warnings and errors before others; add the rest up in one."""
        if self.lines - self._filled < TOO_OFTEN:
            self._resting = self.lines + TOO_OFTEN
        self._filled = self.lines
        fixed = (self._rest, self._indented)
        others = [tally for tally in self._tallies.values() if tally not in fixed]
        others.sort(key=lambda tally: (tally.level >= Level.WARN, tally.seen), reverse=True)
        kept, gone = others[: MAX_TEMPLATES // 2], others[MAX_TEMPLATES // 2 :]
        for tally in gone:
            self._rest.join(tally)
        self._tallies = {tally.number: tally for tally in (*fixed, *kept)}
        self._by_cluster = {tally.cluster.cluster_id: tally for tally in kept if tally.cluster is not None}
        self._clusters.keep(tally.cluster for tally in kept if tally.cluster is not None)
        self._requests = {tally.text: tally for tally in kept if tally.cluster is None}
        self._marks, self._texts = Recent(), Recent()


class Recent(Generic[Key]):
    """Which template texts have. The older half is forgotten when there are too many, but for what was asked for."""

    def __init__(self) -> None:
        self._new: dict[Key, Tally] = {}
        self._old: dict[Key, Tally] = {}

    def get(self, key: Key) -> Tally | None:
        """The template of a text, if it is remembered."""
        tally = self._new.get(key)
        if tally is None and (tally := self._old.get(key)) is not None:
            self.put(key, tally)
        return tally

    def put(self, key: Key, tally: Tally) -> None:
        """Remember the template of a text."""
        if len(self._new) >= MAX_KNOWN:
            self._old, self._new = self._new, {}
        self._new[key] = tally


def new_since(templates: Iterable[Template], since: int) -> list[Template]:
    """The templates first seen at a time or later, nanoseconds since the epoch."""
    return [template for template in templates if template.first >= since]


def only_on(templates: Iterable[Template], nodes: Collection[str]) -> list[Template]:
    """The templates seen on some of these nodes and on no others."""
    wanted = frozenset(nodes)
    return [template for template in templates if wanted.issuperset(template.nodes)]
