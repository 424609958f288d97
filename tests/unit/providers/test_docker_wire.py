"""HTTP as engines speak it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calmtui.providers.docker.wire import Dechunker


def chunked(payloads: list[bytes]) -> bytes:
    return b"".join(b"%X;ext=1\r\n%b\r\n" % (len(payload), payload) for payload in payloads) + b"0\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=10), st.lists(st.integers(0, 800)))
def test_chunks_come_out_whole_whatever_pieces_they_come_in(payloads: list[bytes], places: list[int]) -> None:
    data = chunked(payloads)
    at = sorted({place % (len(data) + 1) for place in places})
    decoder = Dechunker()
    pieces = [data[begin:end] for begin, end in zip([0, *at], [*at, len(data)], strict=True)]
    assert b"".join(map(decoder.feed, pieces)) == b"".join(payloads)
    assert decoder.ended


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    decoder = Dechunker()
    assert decoder.feed(chunked([b"half"])[:-5]) == b"half"
    assert not decoder.ended


@pytest.mark.parametrize("garbage", [b"zz\r\nabc", b"-5\r\nabc", b"\r\n"])
def test_what_is_not_chunked_is_refused(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"int\(\)|a chunk of"):
        Dechunker().feed(garbage)
