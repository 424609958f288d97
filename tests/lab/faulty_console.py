"""The console with a fault built in: marking a node raises. For the test of what an operator sees then."""

from __future__ import annotations

import sys

from calmtui.__main__ import main
from calmtui.tui.screens.fleet import FleetScreen


def fault(self: FleetScreen) -> None:
    raise ZeroDivisionError("a fault of ours")


FleetScreen.action_mark = fault  # type: ignore[method-assign]  # the fault
sys.exit(main())
