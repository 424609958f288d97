"""What journalctl is asked for, and what becomes of its entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import LogRequest
from calmtui.providers.ssh.journal import arguments, decode, lines, lost, same

ENTRY = (
    b'{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763690000123456","MESSAGE":"refusing to start",'
    b'"SYSLOG_IDENTIFIER":"nginx","_PID":"17","PRIORITY":"3"}'
)


def test_an_entry_is_a_line_with_its_time_who_said_it_and_how_bad_it_is() -> None:
    entry = decode(ENTRY)
    assert lines(entry) == [(1763690000123456000, b"nginx[17]: error: refusing to start")]
    assert entry.cursor == "s=1;i=2"


def test_bytes_that_are_no_text_and_messages_of_several_lines_are_kept() -> None:
    binary = b'{"__CURSOR":"c","MESSAGE":[104,105,255],"SYSLOG_IDENTIFIER":"x","PRIORITY":"6"}'
    several = b'{"__CURSOR":"d","MESSAGE":"one\\ntwo","SYSLOG_IDENTIFIER":"x"}'
    assert lines(decode(binary)) == [(None, b"x: hi\xff")]
    assert lines(decode(several)) == [(None, b"x: one"), (None, b"x: two")]


def test_a_field_that_is_repeated_or_missing_harms_nothing() -> None:
    assert lines(decode(b'{"MESSAGE":["a","b"],"_PID":null}')) == [(None, b"a b")]
    assert lines(decode(b'{"MESSAGE":null}')) == [(None, b"")]


@given(st.binary(max_size=60).filter(lambda line: not line.strip().startswith(b"{") and b"\n" not in line))
def test_a_line_that_is_no_entry_is_kept_as_it_is(line: bytes) -> None:
    entry = decode(line)
    assert lines(entry) == [(None, line)]
    assert entry.cursor == ""


def test_the_first_reading_asks_for_the_newest_and_the_next_for_the_last_entry_and_what_came_after() -> None:
    follow = LogRequest(tail=50)
    assert arguments("nginx.service", follow, "")[-3:] == ["--unit=nginx.service", "--follow", "--lines=50"]
    assert arguments("nginx.service", follow, "s=1")[-2:] == ["--no-tail", "--cursor=s=1"]
    assert arguments(None, LogRequest(tail=None, since=12.5, follow=False), "")[-2:] == [
        "--since=@12.500000",
        "--no-tail",
    ]


def test_cursors_name_one_entry_by_its_sequence_and_number() -> None:
    assert same("s=1;i=a;b=2;m=1;t=1;x=1", "s=1;i=a;b=2;m=1;t=1;x=2")
    assert not same("s=1;i=a;t=1", "s=1;i=b;t=1")
    assert not same("s=1;i=a", "s=2;i=a")


def test_lost_entries_are_told_with_their_times_and_counted_where_the_journal_counts() -> None:
    last = decode(b'{"__REALTIME_TIMESTAMP":"1763690000000000","__SEQNUM":"10","__SEQNUM_ID":"a"}')
    first = decode(b'{"__REALTIME_TIMESTAMP":"1763690060000000","__SEQNUM":"15","__SEQNUM_ID":"a"}')
    assert "2025-11-21 01:53:20 UTC" in lost(last, first)
    assert "2025-11-21 01:54:20 UTC" in lost(last, first)
    assert "wrote 4 entries" in lost(last, first)
    assert "entries in between" not in lost(decode(b"{}"), first)
