"""Lines of one event are kept together, and lines of two are not."""

from __future__ import annotations

import textwrap

import pytest

from calmtui.logs.formats.events import MAX_LINES, Events

JAVA = """\
    ERROR c.s.Web - request failed
    java.lang.IllegalStateException: no stock
    \tat com.shop.Web.handle(Web.java:12)
    \t... 12 common frames omitted
    Caused by: java.sql.SQLException: closed
    \tat com.shop.Db.query(Db.java:7)
    \t... 31 more
"""
PYTHON = """\
    ERROR:shop.web:request failed
    Traceback (most recent call last):
      File "/app/web.py", line 12, in handle
        raise KeyError(name)
    KeyError: 'ana'

    During handling of the above exception, another exception occurred:

    Traceback (most recent call last):
      File "/app/web.py", line 14, in handle
        fail()
        ^^^^^^
    shop.errors.Broken.Error: it broke
"""
GO = """\
    panic: runtime error: invalid memory address or nil pointer dereference
    [signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a2b3c]

    goroutine 1 [running]:
    main.(*Shop).Handle(0xc000012345, {0x1, 0x2})
    \t/app/shop.go:12 +0x1d
    main.main()
    \t/app/main.go:7 +0x25
    exit status 2
"""
NODE = """\
    /app/web.js:12
        throw new Error('no stock')
        ^

    Error: no stock
        at handle (/app/web.js:12:11)
        at Server.emit (node:events:517:28)

    Node.js v20.11.0
"""
RUBY = """\
    web.rb:12:in `handle': no stock (RuntimeError)
    \tfrom web.rb:20:in `<main>'
"""
DOTNET = """\
    Unhandled exception. System.InvalidOperationException: no stock
     ---> System.IO.IOException: closed
       at Shop.Web.Handle() in /app/Web.cs:line 12
       --- End of inner exception stack trace ---
       at Shop.Program.Main()
"""
RUST = """\
    thread 'main' panicked at src/main.rs:2:5:
    no stock
    stack backtrace:
       0: rust_begin_unwind
                 at /rustc/1.74/library/std/src/panicking.rs:597:5
    note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
"""
PHP = """\
    PHP Fatal error:  Uncaught Exception: no stock in /app/web.php:12
    Stack trace:
    #0 /app/index.php(3): handle()
    #1 {main}
      thrown in /app/web.php on line 12
"""
JSON = """\
    {
      "level": "info",
      "items": [
        1
      ]
    }
"""


@pytest.mark.parametrize("event", [JAVA, PYTHON, GO, NODE, RUBY, DOTNET, RUST, PHP, JSON])
def test_an_event_is_one_and_what_follows_is_another(event: str) -> None:
    lines = textwrap.dedent(event).splitlines()
    around = ["GET /healthz 200", *lines, "GET /healthz 200", "listening on 8080"]
    expected = [False, False, *[True] * (len(lines) - 1), False, False]
    assert Events().read_all([line.encode() for line in around], None) == expected


def test_two_blocks_of_json_are_two_events() -> None:
    lines = textwrap.dedent(JSON).splitlines() * 2
    assert Events().read_all([line.encode() for line in lines], None) == ([False] + [True] * 5) * 2


def test_where_lines_have_times_those_without_one_go_on() -> None:
    lines = [b"01:00:00 a", b"SELECT 1", b"FROM t", b"01:00:01 b", b"  01:00:02 c"]
    assert Events().read_all(lines, [True, False, False, True, True]) == [False, True, True, False, False]


def test_the_first_line_goes_on_with_nothing() -> None:
    assert Events().goes_on("\tat com.shop.Web") is False
    assert Events().goes_on("x", own_time=False) is False


def test_an_exception_named_in_passing_is_a_line_of_its_own() -> None:
    lines = [b"listening", b"java.lang.Exception: seen", b"java.lang.Exception: again", b"done"]
    assert Events().read_all(lines, None) == [False] * 4


def test_a_format_that_is_not_understood_does_not_become_one_endless_event() -> None:
    events = Events()
    going = [events.goes_on("  indented") for _ in range(MAX_LINES + 2)]
    assert going.count(False) == 2
