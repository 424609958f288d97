"""What earlier runs tell: a run that had to be retried did not end well, and its time is not a run's time."""

from __future__ import annotations

from calmtui.runbooks import earlier
from calmtui.runbooks.journal import Run, Standing


def ended(number: int, standing: Standing, seconds: float, attempt: int = 1) -> Run:
    return Run(str(number), "deploy", "ana", 8, "", standing, "", attempt, "", 0.0, 100.0, 100.0 + seconds)


def test_runs_that_were_retried_count_neither_as_ok_nor_with_their_time() -> None:
    first = [ended(number, Standing.OK, seconds) for number, seconds in enumerate((660, 720, 780))]
    retried = ended(7, Standing.OK, 90_000, attempt=2)
    under_way = ended(8, Standing.RUNNING, 5)
    told = earlier.of("deploy", [*first, retried, under_way])
    assert told.told == "4 times, 12 min ± 1, 75% ok"
    assert earlier.of("deploy", [retried]).told == "once, 0% ok"
    assert earlier.of("other", first).told == "never run"
