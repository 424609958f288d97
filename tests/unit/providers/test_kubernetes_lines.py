"""Log lines as the kubelet sends them: their times."""

from __future__ import annotations

import pytest

from calmtui.providers.kubernetes.lines import SECOND, parse

START = 1_795_230_943


@pytest.mark.parametrize(
    ("raw", "at", "text"),
    [
        (b"2026-11-21T03:15:43.123456789Z hello", START * SECOND + 123_456_789, b"hello"),
        (b"2026-11-21T03:15:43Z hello", START * SECOND, b"hello"),
        (b"2026-11-21T05:15:43.5+02:00 two  spaces ", START * SECOND + 500_000_000, b"two  spaces "),
        (b"2026-11-21T03:15:43.5Z ", START * SECOND + 500_000_000, b""),
        (b"2026-11-21T03:15:43.5Z", START * SECOND + 500_000_000, b""),
        (b"unable to retrieve container logs", None, b"unable to retrieve container logs"),
        (b"2026-99-21T03:15:43Z no date", None, b"2026-99-21T03:15:43Z no date"),
        (b"", None, b""),
    ],
)
def test_a_line_is_its_time_and_its_text(raw: bytes, at: int | None, text: bytes) -> None:
    assert parse(raw) == (at, text)
