"""`python -m bench NAME [ARGS]`; without a name, the names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_NOT_BENCHES = {"__init__", "__main__", "report"}


def main() -> int:
    """Run one bench; returns the exit code."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in _NOT_BENCHES)
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m bench {{{','.join(names)}}} [ARGS]", file=sys.stderr)
        return 2
    importlib.import_module(f"bench.{sys.argv[1]}").main(sys.argv[2:])
    return 0


sys.exit(main())
