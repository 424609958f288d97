"""Viewing: how the fleet's screen shows the tree: by what it is grouped, sorted and filtered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from calmtui.errors import UsageError
from calmtui.estate import find
from calmtui.fleet.grouping import GROUPINGS, ORDERS, grouping
from calmtui.fleet.matcher import Cost, Matcher, all_of
from calmtui.fleet.node import TROUBLE, NodeId
from calmtui.fleet.sifting import Sifting
from calmtui.fleet.view import View
from calmtui.store import queries

if TYPE_CHECKING:
    from calmtui.tui.screens.fleet import FleetScreen

SLICE = 0.01
"""Seconds of a query's work after which keys have their turn."""
AGAIN = 5.0
"""Seconds after which a query that looks at more than the node itself (ages, links, marks) is asked again."""
_SAID = {"name": "by name", "trouble": "trouble first", "age": "youngest first", "restarts": "most restarts first"}


class Viewing:
    """A part of the fleet's screen: the commands that change which rows there are and in which order."""

    def __init__(self, screen: FleetScreen, view: View) -> None:
        self._screen = screen
        self.faults = view.faults
        """Whether only what is not well is shown, of what the filter selects."""
        self.query = ""
        """What the tree is filtered by now; not yet what is being typed, while that is worked out."""
        self._matches: Matcher | None = None
        self._shown_by: Matcher | None = None
        """What selects the rows, or will when it has been asked about all of them."""
        self._sifting: Sifting | None = None
        self._completions: Callable[[str], Iterator[str]] | None = None
        if self.faults:
            screen.outline.filter(_with_faults(None))

    @property
    def view(self) -> View:
        """How the tree is looked at now."""
        outline = self._screen.outline
        sort = next(name for name, order in ORDERS.items() if order is outline.order)
        return View(outline.grouping.name, sort, self.faults, outline.folds.by_hand, outline.folds.all)

    # -- the filter -----------------------------------------------------------------

    def action_filter(self, query: str) -> None:
        if query:
            self._screen.bar.put(query)
        else:
            self._completions = None
            self._screen.bar.type()
            self.make_ready()

    def make_ready(self) -> None:
        """Import what reads queries, and index links: what the first letter would wait for otherwise."""
        self._screen.run_worker(_import, thread=True, group="query")
        self._screen.run_worker(self._screen.live.index_links(), group="query")

    async def complete(self, text: str) -> str | None:
        """What a query that is being typed is most likely to become."""
        if self._completions is None:
            self._completions = self.completions()
        return await asyncio.to_thread(next, self._completions(text), None)

    def completions(self) -> Callable[[str], Iterator[str]]:
        """A function that gives what a query may become, out of what there is now."""
        from calmtui.estate.around import around  # not needed for the first paint
        from calmtui.fleet.query.complete import Existing, complete

        existing = Existing(self._screen.fleet, around(self._screen.live).named)
        return lambda text: complete(text, existing)

    def filter_by(self, text: str) -> None:
        """Show only what a query selects; one that cannot be read is complained about, and the last one stays on."""
        from calmtui.estate.around import around  # not needed for the first paint
        from calmtui.fleet.query import QueryError, compile_query

        screen = self._screen
        try:
            self._matches = compile_query(text, around(screen.live, screen.marks)) if text else None
        except QueryError as error:
            screen.bar.complain(error)
            return
        screen.bar.complain(None)
        self._sift(text)

    async def action_save(self, name: str) -> None:
        """Keep the filter under a name; without a filter, forget what had that name."""
        if not re.fullmatch(r"[\w.-]+", name):
            raise UsageError(f"{name!r} is no name for a query", next_step=":save NAME, of letters, digits and . _ -")
        live = self._screen.live
        live.saved_queries = await asyncio.to_thread(queries.save, find.key(live.estate), name, self.query)
        self._screen.console.say(f"@{name} is {self.query}" if self.query else f"@{name} is forgotten")

    def show_all(self) -> None:
        """Drop the filter, and show what is well too."""
        self.faults = False
        self._matches = None
        self._sift("")
        self._screen.bar.put("")

    def action_faults(self) -> None:
        """Show only what is not well and what it hangs under, or everything again."""
        self.faults = not self.faults
        self._sift(self.query)
        self._screen.console.say("faults only; f shows everything again" if self.faults else "everything")

    def _sift(self, query: str) -> None:
        matcher = _with_faults(self._matches) if self.faults else self._matches
        self._shown_by = matcher
        if matcher is None:
            self._sifting = None
            self._show_only(query, None, None)
        else:
            self._sifting = Sifting(self._screen.fleet, matcher)
            self._advance(query, matcher, self._sifting)

    def look_again(self) -> None:
        """Ask the query anew where its answers may have become others though the nodes have not."""
        if self._sifting is None and self._shown_by is not None and not self._shown_by.lasts:
            self._sift(self.query)

    def _advance(self, query: str, matcher: Matcher, sifting: Sifting) -> None:
        if sifting is not self._sifting:
            return  # something else was typed since
        if sifting.advance(SLICE):
            self._sifting = None
            self._show_only(query, matcher, sifting.matching())
        else:
            self._screen.call_later(self._advance, query, matcher, sifting)

    def _show_only(self, query: str, matcher: Matcher | None, matching: set[NodeId] | None) -> None:
        screen, tree = self._screen, self._screen.tree_view
        other, self.query = query != self.query, query
        node = tree.node
        screen.outline.filter(matcher, matching)
        if matcher is None and node is not None:  # the node is still the question, so it stays in sight
            screen.outline.reveal(node.id)
        tree.follow()
        if other and screen.bar.typing and matcher is not None and (first := screen.outline.next(-1, 1)) is not None:
            tree.scroll_to(y=0, animate=False, force=True)  # what the first match hangs under is in sight as well
            tree.move(first)
        screen.show()

    # -- grouping and order -------------------------------------------------------------

    def action_group(self, by: str) -> None:
        """Group by that; without a name, by the next one."""
        outline = self._screen.outline
        outline.regroup(grouping(by or _next(outline.grouping.name, [known.name for known in GROUPINGS])))
        self._found_again()

    def action_order(self, order: str) -> None:
        """Sort by that; without a name, by the next one."""
        name = order or _next(self.view.sort, list(ORDERS))
        if name not in ORDERS:
            raise UsageError(f"there is no order {name!r}", next_step=f"there are {', '.join(ORDERS)}")
        self._screen.outline.reorder(ORDERS[name])
        self._found_again()
        self._screen.console.say(_SAID[name])

    def _found_again(self) -> None:
        """After everything changed its place: bring the node that the cursor was on into sight."""
        tree = self._screen.tree_view
        node = tree.node
        tree.follow()
        if node is not None and (at := self._screen.outline.index(node.id)) is not None:
            tree.move(at)
        self._screen.show()


def _import() -> None:
    from calmtui.estate import around  # noqa: F401 -- to be there when it is needed
    from calmtui.fleet.query import complete, parse  # noqa: F401

    parse("")


_FAULTS = Matcher(lambda nodes: [node.state in TROUBLE for node in nodes], Cost.LITTLE)


def _with_faults(matches: Matcher | None) -> Matcher:
    return _FAULTS if matches is None else all_of((_FAULTS, matches))


def _next(now: str, known: Iterable[str]) -> str:
    """The one after; the first after the last, or after one that is not among them."""
    names = list(known)
    return names[(names.index(now) + 1) % len(names)] if now in names else names[0]
