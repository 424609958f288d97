"""Work between slices waits while a key is on its way, but has a share of the time whatever is typed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from calmtui.logs import pace
from calmtui.logs.pace import MOST, SHARE, Pace


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def waits(work: Pace) -> asyncio.Task[None] | None:
    """What waits for its turn; None when it had it at once."""
    turn = asyncio.create_task(work.turn())
    for _ in range(5):
        await asyncio.sleep(0)
    return None if turn.done() else turn


async def test_work_waits_from_when_a_key_comes_until_it_is_answered(clock: Clock) -> None:
    work = Pace()
    assert await waits(work) is None
    work.pressed()
    turn = await waits(work)
    assert turn is not None
    work.answered()
    async with asyncio.timeout(30):
        await turn
    assert await waits(work) is None


async def test_a_key_that_nobody_answers_holds_work_up_for_a_moment_only(clock: Clock) -> None:
    work = Pace()
    work.pressed()
    turn = await waits(work)
    assert turn is not None
    async with asyncio.timeout(30):
        await turn
    clock.now += MOST
    assert await waits(work) is None


async def test_work_goes_on_for_its_share_however_fast_keys_come(clock: Clock) -> None:
    work = Pace()
    work.pressed()
    clock.now += 0.03
    work.answered()
    clock.now += 0.03 / SHARE / 2
    work.pressed()
    assert await waits(work) is None
    clock.now += 0.03 / SHARE / 2
    work.pressed()
    turn = await waits(work)
    assert turn is not None
    work.answered()
    await turn
