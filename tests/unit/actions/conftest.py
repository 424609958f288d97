from __future__ import annotations

import pytest

from calmtui import providers
from tests.unit.actions.workshop import ENTRY


@pytest.fixture(autouse=True)
def workshop_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workshop is installed as a third party's provider would be."""
    monkeypatch.setitem(providers._registered(), "workshop", ENTRY)
