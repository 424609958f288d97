from __future__ import annotations

import logging
from pathlib import Path

import pytest

from calmtui.cli.diagnostics import ExitCode, log_path, report, start_logging
from calmtui.errors import CalmError, Refused, UsageError
from calmtui.providers.base import Unreachable


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UsageError("no such thing", next_step="look"), ExitCode.WRONG_USE, "calmtui: no such thing; look\n"),
        (Refused("no", where="lab"), ExitCode.REFUSED, "calmtui: lab: no\n"),
        (Unreachable("no answer", where="web-1"), ExitCode.FAILED, "calmtui: web-1: no answer\n"),
        (KeyboardInterrupt(), 130, "calmtui: interrupted\n"),
        (ExceptionGroup("two", [CalmError("first"), CalmError("second")]), ExitCode.FAILED, "calmtui: first\n"),
        (CalmError("evil \x1b[2J"), ExitCode.FAILED, "calmtui: evil ␛[2J\n"),
    ],
)
def test_each_error_has_its_code_and_its_line(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == code
    assert capsys.readouterr() == ("", text)


def test_a_fault_of_ours_is_one_line_that_names_the_log_file_which_has_the_rest(
    capsys: pytest.CaptureFixture[str], nobodys_machine: Path
) -> None:
    start_logging()
    try:
        raise ZeroDivisionError("a fault of ours")
    except ZeroDivisionError as error:
        assert report(error) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert said == f"calmtui: internal error: ZeroDivisionError: a fault of ours; the details are in {log_path()}\n"
    assert log_path().is_relative_to(nobodys_machine)
    logged = log_path().read_text()
    assert "Traceback" in logged
    assert "test_diagnostics.py" in logged


def test_a_run_in_which_all_is_well_writes_no_log_file() -> None:
    start_logging()
    logging.getLogger("somebody").info("all is well")
    assert not log_path().exists()


def test_a_log_file_that_cannot_be_written_is_told_once_and_stops_nothing(
    capsys: pytest.CaptureFixture[str], nobodys_machine: Path
) -> None:
    (nobodys_machine / ".local").write_text("a file where a folder should be")
    start_logging()
    logging.getLogger("somebody").warning("one")
    logging.getLogger("somebody").warning("two")
    assert capsys.readouterr().err.count("nothing can be logged") == 1
