"""`calmtui logs --patterns`: lines folded to templates, most frequent first, as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from calmtui.cli.printing import Cell, out, out_json, out_table
from calmtui.fleet.hostset import fold
from calmtui.logs.level import Level
from calmtui.logs.line import LogLine, Note, rfc3339
from calmtui.logs.patterns.table import Patterns
from calmtui.logs.patterns.template import Template

_STYLES = {Level.WARN: "warning", Level.ERROR: "trouble", Level.FATAL: "trouble"}


def print_patterns(lines: Iterable[LogLine], *, as_json: bool) -> None:
    """Print the templates of the lines: counts, first and last times (UTC), nodes; notes are left out."""
    patterns = Patterns()
    names: dict[str, str] = {}
    for line in lines:
        if not isinstance(line, Note):
            names[line.origin.node_id] = line.origin.node
            patterns.add((line,))
    templates = patterns.table()
    if as_json:
        out_json([_as_json(template) for template in templates])
    elif templates:
        out_table(("count", "level", "first", "nodes", "pattern"), [_row(template, names) for template in templates])
    else:
        out("no lines")


def _row(template: Template, names: Mapping[str, str]) -> tuple[Cell, ...]:
    level = template.level
    return (
        (f"{template.count:,}", ""),
        (level.name.lower() if level else "", _STYLES.get(level, "")),
        (f"{rfc3339(template.first)[:19]}Z", "quiet"),
        (fold(sorted({names[node] for node in template.nodes})), ""),
        (template.text, ""),
    )


def _as_json(template: Template) -> dict[str, object]:
    return {
        "pattern": template.text,
        "count": template.count,
        "level": template.level.name.lower() if template.level else None,
        "first": rfc3339(template.first),
        "last": rfc3339(template.last),
        "nodes": template.nodes,
        "example": template.exemplar,
    }
