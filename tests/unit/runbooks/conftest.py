from __future__ import annotations

from tests.unit.actions.conftest import workshop_provider

__all__ = ["workshop_provider"]
