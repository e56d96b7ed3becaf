"""The gate prices both sides at the prices of today; in tests that is always the same day."""

from __future__ import annotations

from datetime import datetime, tzinfo
from importlib import import_module

import pytest


class ThatDay(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> ThatDay:
        return cls(2026, 11, 23, 12, tzinfo=tz)


@pytest.fixture(autouse=True)
def that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("judge", "keep"):
        monkeypatch.setattr(import_module(f"tokman.check.{name}"), "datetime", ThatDay)
