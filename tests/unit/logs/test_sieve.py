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
ESCAPED = (r'{"stat\u0075s": 500}', r'{"a": {"b\/c": 1}}', "\x1b[1msta\x1b[0mtus=500 x=1", 'data: [y="2"]')


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_every_field_of_every_line_is_found(sample: Path) -> None:
    texts = [*sample.read_text().splitlines(), *ESCAPED]
    block = Reader(Origin("lab", "ssh:lab/web", "web"), Origins(), live=False).lines(
        [(None, text.encode()) for text in texts], 0
    )
    known = [fields(line.text) for line in block]
    for name in {name for one in known for name in one}:
        assert passing(Filter((rule(f"field.{name}~(?s).*"),)), block).tolist() == [name in one for one in known], name
