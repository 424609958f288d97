"""Lines are folded to the templates that a reader would name, and every line is counted once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.logs.level import Level
from calmtui.logs.line import SECOND, LogLine, Note, Origin
from calmtui.logs.patterns.normalise import fingerprint, normalised
from calmtui.logs.patterns.table import INDENTED, MAX_TEMPLATES, REST, Patterns

START = 1_795_228_154 * SECOND


def a_line(text: str, node: str = "web-001", at: int = 0, level: Level = Level.INFO) -> LogLine:
    return LogLine(START + at, START + at, Origin("lab", f"ssh:lab/{node}", node), at, text, level)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sshd[71]: Accepted publickey for ana from 10.0.0.1 port 2222 ssh2",
         "sshd[<num>]: Accepted publickey for ana from <ip> port <num> ssh#"),
        ("web-001 sshd[71]: Connection closed by 10.0.0.1 port 22 [preauth]",
         "sshd[<num>]: Connection closed by <ip> port <num> [preauth]"),
        ('10.1.2.3 - ana [21/Nov/2026:02:29:14 +0000] "GET /users/71/orders?page=2 HTTP/1.1" 200 12 "-" "curl/8"',
         "GET /users/<num>/orders 200"),
        ('{"level":"error","msg":"order 71 failed after 12ms","trace":"4bf92f3577b34da6"}',
         "order <num> failed after <num>ms"),
        ('level=warn msg="slow query" duration=12ms', "slow query"),
        ("request 7f9c24e8-3b12-4a5b-9c1d-2e3f4a5b6c7d took 1.5s", "request <uuid> took <num>s"),
        ("cannot open '/var/lib/x y': No such file", "cannot open <str>: No such file"),
        ("reading /etc/shop/web.yaml done", "reading <path> done"),
        ("uid=0 user=ana", "uid=<num> user=<val>"),
        ("mac 00:1b:44:11:3a:b7 at 0xdeadbeef", "mac <ip> at <hex>"),
        ("fetching https://shop.example/a?b=1 failed", "fetching <url> failed"),
        ("no error so far", "no error so far"),
    ],
)  # fmt: skip
def test_what_varies_is_taken_out(text: str, expected: str) -> None:
    assert normalised(text) == expected


@given(st.lists(st.sampled_from(["get", "71", "0x1f", "10.0.0.1", "a=1", '"x', "HTTP/1.1", "404", "GET", "/a/1", "é"])),
       st.randoms())  # fmt: skip
def test_texts_of_one_fingerprint_have_one_template(words: list[str], chance: object) -> None:
    text = " ".join(words)
    other = "".join(str(chance.randrange(10)) if char.isdigit() else char for char in text)  # type: ignore[attr-defined]
    if fingerprint(text) == fingerprint(other):
        assert normalised(text) == normalised(other)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["login of {} from 10.0.0.{}", "order {} took {} ms", "{} {}", "\\tat Web.java:{}{}", ""]),
            st.sampled_from(["ana", "ben", "7", "4bf92f3577b34da6"]),
            st.integers(0, 300),
            st.sampled_from(["web-001", "web-002", "db-001"]),
        ),
        max_size=80,
    )
)
def test_every_line_is_counted_once_in_the_template_that_it_matches(drawn: list[tuple[str, str, int, str]]) -> None:
    lines = [a_line(form.format(word, number), node, at) for at, (form, word, number, node) in enumerate(drawn)]
    patterns = Patterns()
    patterns.add(lines)
    table = patterns.table()
    assert patterns.lines == len(lines) == sum(template.count for template in table)
    counted: Counter[str] = Counter()
    for template in table:
        assert sum(template.nodes.values()) == template.count
        assert patterns.nodes(template) == template.nodes
        counted.update(template.nodes)
    assert counted == Counter(line.origin.node_id for line in lines)
    for line in lines:
        assert sum(patterns.matches(template, line) for template in table) == 1


def test_words_that_differ_are_joined_and_counted_together() -> None:
    patterns = Patterns()
    patterns.add(a_line(f"login of {name} refused by policy", at=at) for at, name in enumerate(("ana", "ben", "cy")))
    (template,) = patterns.table()
    assert (template.text, template.count) == ("login of <*> refused by policy", 3)
    assert (template.first, template.last) == (START, START + 2)
    assert template.exemplar == "login of ana refused by policy"


def test_an_answer_is_told_from_another_by_its_status() -> None:
    patterns = Patterns()
    patterns.add(
        a_line(f'10.0.0.1 - - [x] "GET /users/{n} HTTP/1.1" {status} 12') for n in (1, 22) for status in (200, 500)
    )
    assert {template.text: template.count for template in patterns.table()} == {
        "GET /users/<num> 200": 2,
        "GET /users/<num> 500": 2,
    }


def test_what_is_new_and_what_is_on_these_nodes_only_are_asked_of_the_table() -> None:
    patterns = Patterns()
    patterns.add([
        a_line("started well", "web-001", 0),
        a_line("started well", "web-002", 1),
        a_line("disk is failing", "web-002", 5, Level.ERROR),
    ])  # fmt: skip
    (new,) = patterns.table(since=START + 5)
    assert (new.text, new.level) == ("disk is failing", Level.ERROR)
    assert [template.text for template in patterns.table(nodes={"ssh:lab/web-002"})] == ["disk is failing"]
    assert len(patterns.table(nodes={"ssh:lab/web-001", "ssh:lab/web-002"})) == 2


def test_the_newest_lines_of_a_template_can_be_found_again() -> None:
    patterns = Patterns()
    lines = [a_line(f"order {number} paid", at=number) for number in range(100)]
    patterns.add(lines)
    (template,) = patterns.table()
    assert template.lines[-1] == (lines[-1].at, lines[-1].origin, lines[-1].seq)


def test_rows_about_a_stream_are_no_lines_of_it() -> None:
    patterns = Patterns()
    patterns.add([Note(START, None, Origin("lab", "ssh:lab/web-001", "web-001"), 1, "lines were lost", lost=3)])
    assert (patterns.lines, patterns.table()) == (0, [])


def test_stack_traces_are_one_row() -> None:
    patterns = Patterns()
    patterns.add(a_line(text) for text in ("boom", "\tat a.B.c(B.java:1)", '  File "x.py", line 2'))
    assert {template.text: template.count for template in patterns.table()} == {INDENTED: 2, "boom": 1}


def test_lines_without_any_pattern_fill_a_bounded_table_and_are_all_counted() -> None:
    words = ["".join(chr(97 + (number // 26**place) % 26) for place in range(4)) for number in range(5 * MAX_TEMPLATES)]
    patterns = Patterns()
    patterns.add(a_line(f"{word} {word[::-1]} {word[1:]}", at=at) for at, word in enumerate(words))
    grave = a_line("the disk of the database is failing", level=Level.ERROR)
    table = patterns.table()
    assert len(table) <= MAX_TEMPLATES + 2
    assert sum(template.count for template in table) == len(words)
    assert next(template for template in table if template.text == REST).count > 0
    assert not any(patterns.matches(template, grave) for template in table)
