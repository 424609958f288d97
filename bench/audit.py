"""The audit trail: appends a second, and how long a million records take to verify. There is no peer for it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.report import report
from calmtui.governance import trail
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail

RECORDS = 1_000_000
BATCH = 10_000
"""Records in one append while the million is made: the outcomes of a large plan."""
SINGLE = 500


def main(argv: list[str]) -> None:
    """`python -m bench audit [RECORDS]`."""
    wanted = int(argv[0]) if argv else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        log = Trail(path, "bench")
        outcome = log.record(Event.OUTCOME, action="restart", plan="0" * 64, nodes=("ssh:web/web-0001",), status="ok")
        log.append(outcome)
        began = time.perf_counter()
        for _ in range(SINGLE):
            log.append(outcome)
        report("audit", "appends, each on the disk", SINGLE / (time.perf_counter() - began), "records/s")
        began = time.perf_counter()
        for _ in range(0, wanted, BATCH):
            log.append(*[outcome] * BATCH)
        report("audit", "appends of 10,000", wanted / (time.perf_counter() - began), "records/s")
        began = time.perf_counter()
        verdict = trail.verify(path)
        if verdict.bad:
            raise SystemExit(verdict.bad.what)
        report("audit", f"verify {verdict.records:,} records", time.perf_counter() - began, "s")
