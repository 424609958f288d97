"""What is sent to a terminal, against what it would have got: a terminal shows the same."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from calmtui.tui.wire import thin

CODES = "0 1 2 3 4 7 9 31 39 44 49 92 103 38;5;33 48;5;7 38;2;1;2;3 48;2;22;24;29 1;38;2;9;9;9;48;2;22;24;29 2;7"
codes = st.sampled_from(["", *CODES.split()])
pieces = st.one_of(
    codes.map(lambda code: f"\x1b[{code}m"),
    st.text("ab ·", max_size=4),
    st.tuples(st.integers(1, 6), st.integers(1, 24)).map(lambda at: f"\x1b[{at[0]};{at[1]}H"),
    st.sampled_from(["\r\n", "\x1b[K", "\x1b[2J", "\x1b[?25l"]),
)


TOKEN = re.compile(r"\x1b\[([\d;]*)m|(\x1b\[\d+;\d+H|[\r\n])|(\x1b\[\??\d*[KJl]|[^\x1b])")
OFF = {"22": ("1", "2"), "23": ("3",), "24": ("4",), "25": ("5",), "27": ("7",), "29": ("9",)}


def drawn(data: str) -> list[tuple[str, dict[str, str]]]:
    """What a terminal does: each character, move and erasure, with what is on when it draws, and at the end."""
    on: dict[str, str] = {}
    steps: list[tuple[str, dict[str, str]]] = []
    for token in TOKEN.finditer(data):
        codes, move, text = token.groups()
        if text is not None:
            steps.append((text, dict(on)))
        elif move is not None:
            steps.append((move, {}))
        else:
            switch(on, [code or "0" for code in codes.split(";")])
    return [*steps, ("the end", on)]


def switch(on: dict[str, str], codes: list[str]) -> None:
    while codes:
        code = codes.pop(0)
        if code in ("38", "48"):
            more = [code, *(codes.pop(0) for _ in range(4 if codes[0] == "2" else 2))]
            on["ink" if code == "38" else "ground"] = ";".join(more)
        elif code == "0":
            on.clear()
        elif code in ("39", "49"):
            on.pop("ink" if code == "39" else "ground", None)
        elif code in OFF:
            for other in OFF[code]:
                on.pop(other, None)
        elif len(code) == 1:
            on[code] = code
        else:
            on["ink" if code[0] in "39" else "ground"] = code


@given(st.lists(pieces, max_size=30).map("".join))
def test_a_terminal_draws_the_same_and_is_left_the_same(data: str) -> None:
    assert drawn(thin(data)) == drawn(data)


def test_between_words_of_one_line_only_the_colour_that_differs_is_sent() -> None:
    ground = "48;2;22;24;29"
    line = f"\x1b[38;2;1;1;1;{ground}mweb\x1b[0m\x1b[1;38;2;2;2;2;{ground}m-1\x1b[0m\x1b[38;2;2;2;2;{ground}m up\x1b[0m"
    assert thin(line) == f"\x1b[38;2;1;1;1;{ground}mweb\x1b[1;38;2;2;2;2m-1\x1b[22m up\x1b[0m"
