from __future__ import annotations

import pytest
from rich.cells import cell_len

from calmtui.cli.printing import age, out_table


def test_columns_stand_under_their_heads_whatever_the_width_of_the_letters(capsys: pytest.CaptureFixture[str]) -> None:
    out_table(("NAME", "KIND"), [[("a", ""), ("pod", "")], [("日本語", "quiet"), ("host", "")], [("", ""), ("", "")]])
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "NAME    KIND"
    assert rows == ["a       pod", "日本語  host", ""]
    assert cell_len(rows[1].removesuffix("host")) == head.index("KIND")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (86399, "23h"), (86400, "1d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert age(seconds) == text
