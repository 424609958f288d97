"""Expressions in the words of a host's grep find every line that RE2 finds; where they say so, no others."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import re2
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from calmtui.providers.ssh.expression import Sequence, parsed, text
from calmtui.providers.ssh.spelling import for_grep, for_rg

PROGRAMS = {
    "grep": 'exec grep -a -n -E -e "$(printf %b "$1")"',
    "busybox": 'exec busybox grep -n -E -e "$(printf %b "$1")"',
    "rg": 'exec rg --no-config --text --encoding none -n -e "$1" -',
}
ATOMS = [
    "a", "b", "k", "S", "é", "\u212a", "\u017f", ".", "[a-c]", "[^a]", r"[^\d]", r"\w", r"\W", r"\d", r"\s", r"\S",
    r"\b", r"\B", "^", "$", r"\.", r"\x00", r"[\x00-a]", "(a|b)", "(a|)", "(?:ab)", "(?i:k)", "(?i)", "(?-i:s)",
    "[[:alpha:]]", "[[:^space:]]", r"\pL", r"[\PLa]", r"\C", "[]a]", "[^]^-]", r"[\^\-\]]", "[é-ü]", "[^é-ü]",
    "[é-\uffff]", "[^é-\uffff]", r"[^\W]", r"\Qa.b\E", "{", "}", "]", "'", '"', "$x", r"\\", "[-a]", "[[.]",
    r"[^\x00]", r"\A", r"\z", "x{2}", "x{300}", "-", "--", "`", r"\v", "\t", r"[\\]", r"\[", r"[\[:]", "(?P<n>a)",
    "(^a|b$)", "()", r"\n", r"[^\n]", r"\101", r"\x{e9}", "a{,2}", "(?s).", "(?U)a*", "!", "%b", r"\0",
]  # fmt: skip
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        inner.map(lambda one: f"({one})"),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "{0}"])),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
    ),
    max_leaves=8,
)
PIECES = [
    *(bytes([code]) for code in b"abkKSs \t\r\v1.]^-[\\'\"{}x_`:!%"), b"ab", b"xx", b"$x", b"a.b", b"\0", b"\xff",
    b"\xc3", b"\x80", *(char.encode() for char in "éü€😀\u212a\u017f"),
]  # fmt: skip
LINES = st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join), min_size=1, max_size=30)


def found(program: str, spelled: str, lines: list[bytes]) -> set[int]:
    """The numbers of the lines that a program finds."""
    done = subprocess.run(
        ["/bin/sh", "-c", PROGRAMS[program], "test", spelled],
        input=b"".join(line + b"\n" for line in lines),
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.stderr == b"", (spelled, done.stderr)
    return {int(line.split(b":", 1)[0]) for line in done.stdout.split(b"\n") if line}


def compiled(expression: str, *, ignore_case: bool) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    return re2.compile(expression, options)


@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(expression=EXPRESSIONS, lines=LINES, ignore_case=st.booleans())
def test_a_hosts_program_finds_what_re2_finds(
    program: str, expression: str, lines: list[bytes], ignore_case: bool
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    try:
        looked_for = compiled(expression, ignore_case=ignore_case)
    except re2.error:
        assume(False)
    if program == "busybox":  # it reads a line up to its first NUL
        lines = [line.replace(b"\0", b"") for line in lines]
    tree, exact = parsed(expression, ignore_case=ignore_case)
    given_lines = found(program, (for_rg if program == "rg" else for_grep)(tree), lines)
    wanted = {number for number, line in enumerate(lines, 1) if looked_for.search(line.removesuffix(b"\r")) is not None}
    assert wanted <= given_lines
    if exact:
        more = {lines[number - 1] for number in given_lines - wanted}
        assert not {line for line in more if line.decode(errors="replace").encode() == line and b"\r" not in line}


@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(wanted=st.lists(st.sampled_from(ATOMS), min_size=1, max_size=3).map("".join), lines=LINES)
def test_a_plain_text_is_found_as_it_stands(program: str, wanted: str, lines: list[bytes]) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    lines = [line.replace(b"\0", b"") for line in lines] + [b"<" + wanted.encode() + b">"]
    tree, exact = text(wanted, ignore_case=False)
    assert exact
    given_lines = found(program, (for_rg if program == "rg" else for_grep)(tree), lines)
    assert given_lines == {number for number, line in enumerate(lines, 1) if wanted.encode() in line}


def test_what_would_cost_a_host_too_much_is_widened() -> None:
    tree, exact = parsed("((.{90}){11}){9}", ignore_case=False)
    assert not exact
    assert len(for_grep(tree)) < 500
    assert parsed("a" * 5000, ignore_case=False) == (Sequence(), False)


def test_what_is_common_is_said_exactly() -> None:
    for expression in ("error", "timeout after [0-9]+ ms", r"status=5\d\d", "^.*panic", "(GET|POST) /api", "x{2,5}$"):
        assert parsed(expression, ignore_case=False)[1], expression
    assert not parsed(r"\berror\b", ignore_case=False)[1]
