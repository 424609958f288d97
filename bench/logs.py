"""The log engine beside its peers: `python -m bench logs [PART [ARGS]]`; without a part, all of them.

Each part is a function; what it measures, and what can be given to it, stands in its docstring or its module's.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.log.files import lines, memory, open_
from bench.log.follow import beside, follow
from bench.log.grep import grep
from bench.log.templates import templates

PARTS: dict[str, Callable[..., None]] = {
    "lines": lines, "memory": memory, "open": open_, "follow": follow, "beside": beside, "grep": grep,
    "templates": templates,
}  # fmt: skip


def main(argv: list[str]) -> None:
    """Run the part that is named, or all."""
    if not argv:
        for part in PARTS.values():
            part()
    elif argv[0] in PARTS:
        PARTS[argv[0]](*argv[1:])
    else:
        raise SystemExit(f"no such part: {argv[0]}; there are {', '.join(PARTS)}")
