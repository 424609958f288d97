"""Filters by field over whole blocks, on logs of real systems: the same lines as one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from calmtui.logs.block import Origins
from calmtui.logs.filters import Filter
from calmtui.logs.formats.fields import fields
from calmtui.logs.ingest import Reader
from calmtui.logs.line import Origin
from calmtui.logs.rules import rule
from calmtui.logs.sieve import passing

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.log"))
PAIRS = (
    "took status=7 ms", "status=9", "x status=3,status=500", "status=12ms", 'status="500"', "astatus=500 b",
    "a status=007", "status=-4.5;", "user.status=501 other=1", "status=500\tx", "status=1e3 x", "status=500|",
    'status=5 {"status":500}',
)  # fmt: skip
ESCAPED = (r'{"stat\u0075s": 500}', r'{"a": {"b\/c": 1}}', "\x1b[1msta\x1b[0mtus=500 x=1", 'data: [y="2"]')


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_every_field_of_every_line_is_found(sample: Path) -> None:
    texts = [*sample.read_text().splitlines(), *PAIRS, *ESCAPED]
    block = Reader(Origin("lab", "ssh:lab/web", "web"), Origins(), live=False).lines(
        [(None, text.encode()) for text in texts], 0
    )
    known = [fields(line.text) for line in block]
    for name in {name for one in known for name in one}:
        for typed in (f"field.{name}>=200", f"field.{name}!=7", f"field.{name}<5", f"field.{name}=500"):
            wanted = rule(typed)
            assert passing(Filter((wanted,)), block).tolist() == [wanted.test.holds(line) for line in block], typed
        assert passing(Filter((rule(f"field.{name}~(?s).*"),)), block).tolist() == [name in one for one in known], name
