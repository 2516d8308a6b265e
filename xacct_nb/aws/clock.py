"""The time as records state it."""

from datetime import UTC, datetime


def utc(moment: datetime | None = None) -> str:
    """Return a moment in UTC, by default now, as records state it: 2026-11-24T10:15:00Z."""
    return f"{moment or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
