"""A template as a filter: it finds the lines of the template, whatever stands in them."""

from __future__ import annotations

import pytest

from calmtui.logs.filters import Filter
from calmtui.logs.line import LogLine, Origin
from calmtui.logs.patterns.expression import expression
from calmtui.logs.patterns.table import Patterns
from calmtui.logs.rules import rule

ORIGIN = Origin("lab", "ssh:lab/web", "web")


@pytest.mark.parametrize(
    "text",
    [
        "INFO GET /orders/{n} 200 took={n}ms user=U{n} from 10.0.0.{n}",
        'ERROR (pool) connection refused: db-{n}:5432 "x {n}" [{n}] $a+b? {{c|d}}^',
        "WARN  disk  at {n}% of /var/lib/{n}",
        "started",
        "   at com.shop.Web.handle(Web.java:{n})",
    ],
)
def test_a_pattern_as_a_filter_finds_every_line_that_was_folded_to_it(text: str) -> None:
    lines = [LogLine(n, n, ORIGIN, n, text.format(n=n)) for n in range(1, 40)]
    patterns = Patterns()
    patterns.add(lines)
    (template,) = patterns.table()
    wanted = expression(template)
    assert wanted is not None
    found = Filter((rule(wanted),))
    assert all(map(found.passes, lines))
    assert not found.passes(LogLine(1, 1, ORIGIN, 1, "something else"))
