"""The systemd units of a demo host: files that its `systemctl` (systemctl.sh) reads and writes."""

from __future__ import annotations

from pathlib import Path

from calmtui.demo.population import Machine

SERVING = {"web": "nginx.service", "api": "shop-api.service", "db": "postgresql.service"}
"""The unit that a service of the shop is; while it does not run, the service writes no logs."""
_DESCRIPTIONS = {
    "nginx.service": "A high performance web server and a reverse proxy server",
    "shop-api.service": "The shop's API",
    "postgresql.service": "PostgreSQL 16 database server",
    "cron.service": "Regular background program processing daemon",
    "ssh.service": "OpenBSD Secure Shell server",
    "shop-migrate.service": "Migrations of the shop's database",
}
_FAILED = {("staging-db-01", "shop-migrate.service")}
"""Host and unit: trouble that is there from the beginning."""


def install(home: Path, machine: Machine) -> None:
    """Write the units of a host into its home."""
    folder = home / ".units"
    folder.mkdir()
    failed = [unit for host, unit in _FAILED if host == machine.name]
    for name in (SERVING[machine.service], "cron.service", "ssh.service"):
        (folder / name).write_text(f"active running success 0 1000000 {_DESCRIPTIONS[name]}\n")
    for name in failed:
        (folder / name).write_text(f"failed failed exit-code 0 1000000 {_DESCRIPTIONS[name]}\n")


def serving(home: Path, machine: Machine) -> bool:
    """Whether the unit of the host's service runs."""
    return (home / ".units" / SERVING[machine.service]).read_text().startswith("active ")
