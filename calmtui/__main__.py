"""The program: `calmtui`, or `python -m calmtui`."""

from __future__ import annotations

import sys

from calmtui.cli import diagnostics
from calmtui.cli.app import app


def main() -> None:
    """Run what the command line says and exit with its code."""
    diagnostics.start_logging()
    try:
        code = app(standalone_mode=False) or 0
        if code == diagnostics.INTERRUPTED:  # typer has swallowed the KeyboardInterrupt
            raise KeyboardInterrupt
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 -- the last place to tell it: every error becomes lines and a code
        code = diagnostics.report(error)
    sys.exit(code)


if __name__ == "__main__":
    main()
