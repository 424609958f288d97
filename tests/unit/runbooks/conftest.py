from __future__ import annotations

import pytest

from calmtui.runbooks import hold, running, stage
from tests.unit.actions.conftest import workshop_provider

__all__ = ["workshop_provider"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What people want is looked at more often than in earnest."""
    for module in (running, stage, hold):
        monkeypatch.setattr(module, "LOOK", 0.02)
    monkeypatch.setattr(hold, "ASK_AGAIN", 0.1)
