"""The systemd units of a demo host, and their journal: files that its `systemctl` and `journalctl` read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

from calmtui.demo.population import Machine

SERVING = {"web": "nginx.service", "api": "shop-api.service", "db": "postgresql.service"}
"""The unit that a service of the shop is; while it does not run, the service writes no logs."""
_DESCRIPTIONS = {
    "nginx.service": "A high performance web server and a reverse proxy server",
    "shop-api.service": "The shop's API",
    "postgresql.service": "PostgreSQL 16 database server",
    "cron.service": "Regular background program processing daemon",
    "shop-migrate.service": "Migrations of the shop's database",
}
_FAILED = {"staging-db-01": "shop-migrate.service"}
"""By host: trouble that is there from the beginning."""
_STORY_OF_A_FAILURE = (
    (6, "Starting {unit} - {description}..."),
    (6, "applying 0042_orders_by_region.sql"),
    (3, 'psycopg.errors.DuplicateTable: relation "orders_by_region" already exists'),
    (5, "{unit}: Main process exited, code=exited, status=1/FAILURE"),
    (4, "{unit}: Failed with result 'exit-code'."),
    (3, "Failed to start {unit} - {description}."),
)
"""Priorities as in syslog, and messages."""


def install(home: Path, machine: Machine) -> None:
    """Write the units of a host, and what its journal holds so far, into its home."""
    folder = home / ".units"
    folder.mkdir()
    running = (SERVING[machine.service], "cron.service")
    failed = _FAILED.get(machine.name)
    for name in running:
        (folder / name).write_text(f"active running success 0 1000000 {_DESCRIPTIONS[name]}\n")
    story = [(name, 6, f"Started {name} - {_DESCRIPTIONS[name]}.") for name in running]
    if failed:
        (folder / failed).write_text(f"failed failed exit-code 0 1000000 {_DESCRIPTIONS[failed]}\n")
        story += [
            (failed, priority, text.format(unit=failed, description=_DESCRIPTIONS[failed]))
            for priority, text in _STORY_OF_A_FAILURE
        ]
    (home / ".journal").write_text("".join(_entries(story)))


def serving(home: Path, machine: Machine) -> bool:
    """Whether the unit of the host's service runs."""
    return (home / ".units" / SERVING[machine.service]).read_text().startswith("active ")


def _entries(story: list[tuple[str, int, str]]) -> Iterator[str]:
    """Entries as `journalctl --output=json` has them. The order of the first three values is what the scripts know."""
    began = int((time.time() - 900) * 1_000_000)
    for number, (unit, priority, message) in enumerate(story, 1):
        entry = {
            "__CURSOR": str(number),
            "__REALTIME_TIMESTAMP": str(began + number * 70_000),
            "_SYSTEMD_UNIT": unit,
            "PRIORITY": str(priority),
            "SYSLOG_IDENTIFIER": "systemd",
            "MESSAGE": message,
        }
        yield json.dumps(entry, separators=(",", ":")) + "\n"
