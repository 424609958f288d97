"""What journalctl is asked for, and what becomes of its entries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.base import LogRequest
from calmtui.providers.ssh.journal import arguments, decode

ENTRY = (
    b'{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763690000123456","MESSAGE":"refusing to start",'
    b'"SYSLOG_IDENTIFIER":"nginx","_PID":"17","PRIORITY":"3"}'
)


def test_an_entry_is_a_line_with_its_time_who_said_it_and_how_bad_it_is() -> None:
    assert decode([ENTRY]) == ([(1763690000123456000, b"nginx[17]: error: refusing to start")], "s=1;i=2")


def test_bytes_that_are_no_text_and_messages_of_several_lines_are_kept() -> None:
    binary = b'{"__CURSOR":"c","MESSAGE":[104,105,255],"SYSLOG_IDENTIFIER":"x","PRIORITY":"6"}'
    several = b'{"__CURSOR":"d","MESSAGE":"one\\ntwo","SYSLOG_IDENTIFIER":"x"}'
    assert decode([binary, several]) == ([(None, b"x: hi\xff"), (None, b"x: one"), (None, b"x: two")], "d")


def test_a_field_that_is_repeated_or_missing_harms_nothing() -> None:
    assert decode([b'{"MESSAGE":["a","b"],"_PID":null}', b'{"MESSAGE":null}'])[0] == [(None, b"a b"), (None, b"")]


@given(st.binary(max_size=60).filter(lambda line: b"\n" not in line))
def test_a_line_that_is_no_entry_is_kept_as_it_is(line: bytes) -> None:
    (decoded,), cursor = decode([line])
    assert decoded[1] == line or line.strip().startswith(b"{")
    assert cursor == ""


def test_the_first_reading_asks_for_the_newest_and_the_next_for_what_came_after() -> None:
    follow = LogRequest(tail=50)
    assert arguments("nginx.service", follow, "")[-3:] == ["--unit=nginx.service", "--follow", "--lines=50"]
    assert arguments("nginx.service", follow, "s=1")[-2:] == ["--no-tail", "--after-cursor=s=1"]
    assert arguments(None, LogRequest(tail=None, since=12.5, follow=False), "")[-2:] == [
        "--since=@12.500000",
        "--no-tail",
    ]
