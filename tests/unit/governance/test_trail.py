"""Whatever is done to the trail behind its back is found, and where it was done."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calmtui.errors import UsageError
from calmtui.governance import trail
from calmtui.governance.identity import Who
from calmtui.governance.record import Event
from calmtui.governance.trail import Trail
from calmtui.masks import MASK
from calmtui.store import ledger
from calmtui.store.database import StoreError

ANNA = Who("anna", host="jump-1")


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A ledger of eleven records: the beginning, and ten outcomes."""
    path = tmp_path / "ledger.db"
    log = Trail(path, "shop", who=ANNA)
    for number in range(5):
        log.append(
            log.record(Event.INTENT, action="restart", nodes=(f"ssh:web/{number}",)),
            log.record(Event.OUTCOME, action="restart", nodes=(f"ssh:web/{number}",), status="ok"),
        )
    return path


def tampered(path: Path, *statements: str) -> None:
    """Alter the ledger as somebody would who may write its file."""
    with sqlite3.connect(path) as connection:
        connection.execute("drop trigger audit_is_never_altered")
        connection.execute("drop trigger audit_is_never_shortened")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_what_was_appended_is_read_in_order_and_holds(written: Path) -> None:
    found = trail.read(written)
    assert [item.record.seq for item in found] == list(range(1, 12))
    assert found[0].record.event is Event.BEGUN
    assert found[1].record.who == ANNA
    verdict = trail.verify(written)
    assert (verdict.records, verdict.head, verdict.bad) == (11, found[-1].seal, None)


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("update audit set body = replace(body, 'web/2', 'web/9') where seq = 6", 6),
        ("update audit set body = replace(body, 'anna', 'hugo') where seq = 2", 2),
        ("delete from audit where seq = 4", 4),
        ("delete from audit where seq = 1", 1),
        ("insert into audit (seq, body, seal) select 12, body, 'x' from audit where seq = 3", 12),
        ("update audit set seal = upper(seal) where seq = 5", 5),
    ],
)
def test_an_alteration_is_found_at_the_first_bad_record(written: Path, statement: str, first_bad: int) -> None:
    tampered(written, statement)
    bad = trail.verify(written).bad
    assert bad is not None
    assert bad.seq == first_bad


def test_records_that_change_places_are_found(written: Path) -> None:
    tampered(
        written,
        "update audit set seq = -1 where seq = 3",
        "update audit set seq = 3 where seq = 4",
        "update audit set seq = 4 where seq = -1",
    )
    bad = trail.verify(written).bad
    assert bad is not None
    assert bad.seq == 3


def test_an_end_that_was_cut_off_is_found_with_a_head_kept_elsewhere(written: Path) -> None:
    head = trail.verify(written).head
    tampered(written, "delete from audit where seq > 8")
    assert trail.verify(written).bad is None  # the chain itself cannot tell
    bad = trail.verify(written, head=head).bad
    assert bad is not None
    assert bad.seq == 9


def test_the_database_itself_refuses_to_alter_or_delete(written: Path) -> None:
    with sqlite3.connect(written) as connection:
        for statement in ("update audit set seal = 'x'", "delete from audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


def test_without_its_key_nothing_is_recorded_and_nothing_verified(written: Path) -> None:
    key = ledger.key_path(written)
    key.rename(key.with_suffix(".away"))
    log = Trail(written, "shop", who=ANNA)
    for attempt in (lambda: log.append(log.record(Event.SHELL)), lambda: trail.verify(written)):
        with pytest.raises(StoreError, match="key of the ledger is missing"):
            attempt()
    assert len(trail.read(written)) == 11


def test_ledger_and_key_are_the_users_alone_unless_the_group_may_write_the_folder(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2770)
    for folder, mode in ((tmp_path / "own", 0o600), (shared, 0o660)):
        log = Trail(folder / "ledger.db", "shop", who=ANNA)
        log.append(log.record(Event.SHELL))
        for file in (folder / "ledger.db", folder / "ledger.key"):
            assert file.stat().st_mode & 0o777 == mode


def test_several_processes_append_to_one_unbroken_chain(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    program = (
        "import sys; from pathlib import Path; from calmtui.governance.trail import Trail\n"
        "log = Trail(Path(sys.argv[1]), 'shop')\n"
        "for number in range(25): log.append(log.record('outcome', status='ok', detail=str(number)))"
    )
    Trail(path, "shop", who=ANNA).append()
    running = [subprocess.Popen([sys.executable, "-c", program, str(path)]) for _ in range(4)]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    verdict = trail.verify(path)
    assert (verdict.records, verdict.bad) == (101, None)


# -- exports ---------------------------------------------------------------------------


def exported(written: Path, folder: Path) -> Path:
    file = folder / "export.jsonl"
    with file.open("w") as out:
        trail.export(written, out.write)
    return file


def test_an_export_holds_whatever_the_ledger_holds(written: Path, tmp_path: Path) -> None:
    file = exported(written, tmp_path)
    verdict = trail.verify_export(file, ledger.read_key(written))
    assert verdict == trail.verify(written)
    assert trail.verify_export(file, b"another key").bad is not None


def swapped(lines: list[bytes], at: int) -> list[bytes]:
    other = (at + 1) % len(lines)
    lines[at], lines[other] = lines[other], lines[at]
    return lines


def doubled(lines: list[bytes], at: int) -> list[bytes]:
    return [*lines[: at + 1], *lines[at:]]


def dropped(lines: list[bytes], at: int) -> list[bytes]:
    return lines[:at] + lines[at + 1 :]


def spelt_otherwise(lines: list[bytes], at: int) -> list[bytes]:
    lines[at] = lines[at].replace(b'"estate":', b'"estate": ').replace(b'"detail":', b'"detail": ')
    return lines


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alter=st.sampled_from([swapped, doubled, dropped, spelt_otherwise]), at=st.integers(0, 10))
def test_an_export_that_was_altered_anywhere_does_not_hold(
    written: Path, tmp_path: Path, alter: Callable[[list[bytes], int], list[bytes]], at: int
) -> None:
    head = trail.verify(written).head
    file = exported(written, tmp_path)
    before = file.read_bytes().splitlines(keepends=True)
    after = alter(list(before), at)
    file.write_bytes(b"".join(after))
    assert after != before
    assert trail.verify_export(file, ledger.read_key(written), head=head).bad is not None


def test_a_file_that_is_no_export_is_told_with_its_line(written: Path, tmp_path: Path) -> None:
    file = exported(written, tmp_path)
    file.write_bytes(file.read_bytes() + b"nonsense\n")
    with pytest.raises(UsageError, match=r"export\.jsonl:12: not a line of an export"):
        trail.verify_export(file, ledger.read_key(written))


# -- what is written -----------------------------------------------------------------------


def test_secrets_are_masked_before_they_are_written(tmp_path: Path) -> None:
    log = Trail(tmp_path / "ledger.db", "shop", who=ANNA)
    log.append(
        log.record(
            Event.COMMAND,
            action="mysql -uroot -phunter2 shop",
            detail="url was https://bob:hunter2@intranet/",
            reason="token=hunter2",
            more={"env": {"DB_PASSWORD": "hunter2"}, "arguments": ["--token", "hunter2"]},
        )
    )
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("ledger*"))
    assert b"hunter2" not in stored
    assert MASK.encode() in stored


def test_every_record_reaches_the_file_that_the_estate_names(tmp_path: Path) -> None:
    from calmtui.estate.model import Audit, Estate

    estate = Estate("shop", ledger=tmp_path / "ledger.db", audit=Audit(file=tmp_path / "audit.jsonl"))
    log = trail.of(estate)
    log.append(log.record(Event.SHELL, nodes=("ssh:web/1",)))
    lines = (tmp_path / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["record"]["event"] for line in lines] == ["begun", "shell"]
    assert trail.verify_export(tmp_path / "audit.jsonl", ledger.read_key(estate.ledger or Path())).bad is None


def test_a_sink_that_fails_is_told_and_the_ledger_has_the_record(tmp_path: Path) -> None:
    from calmtui.estate.model import Audit, Estate

    estate = Estate("shop", ledger=tmp_path / "ledger.db", audit=Audit(syslog=f"unix:{tmp_path}/nobody"))
    log = trail.of(estate)
    log.append(log.record(Event.SHELL))
    assert "syslog cannot be reached" in log.trouble
    assert len(trail.read(tmp_path / "ledger.db")) == 2
