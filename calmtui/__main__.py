"""The program: `calmtui`, or `python -m calmtui`."""

from __future__ import annotations

import sys

from calmtui.cli import console, diagnostics


def main() -> None:
    """Run what the command line says and exit with its code."""
    diagnostics.start_logging()
    try:
        code = _run(sys.argv[1:])
        if code == diagnostics.INTERRUPTED:  # typer has swallowed the KeyboardInterrupt
            raise KeyboardInterrupt
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 -- the last place to tell it: every error becomes lines and a code
        code = diagnostics.report(error)
    sys.exit(code)


def _run(argv: list[str]) -> int:
    alone = console.read(argv)
    if alone is not None:
        return console.open_console(alone)
    from calmtui.cli.app import app  # typer: not for the console, which should be there at once

    return app(standalone_mode=False) or 0


if __name__ == "__main__":
    main()
