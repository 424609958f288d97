"""The demo estate: EC2 in two regions and twelve SSH hosts that come up by themselves and vanish without a trace.

`up()` starts them in two child processes, with everything they write in one scratch folder:

    with demo.up() as estate:
        ...  # estate.path is an estate file like any other

Nothing of it needs root, a network or an account. Commands on its hosts are real ones, carried out
on this machine with the rights of whoever started it; those that would stop the machine are not.
"""

from __future__ import annotations

from calmtui.demo.estate import DemoEstate, up

__all__ = ["DemoEstate", "up"]
