"""How far this machine's clock is from AWS's, in words."""

from datetime import timedelta

NOTICED = 5.0
"""Seconds from which the difference is stated."""


def describe_offset(seconds: float) -> str:
    """Return by how much this machine's clock differs, from the seconds that AWS's is ahead; "" if hardly."""
    if abs(seconds) < NOTICED:
        return ""
    side = "behind" if seconds > 0 else "ahead of"
    return f"This machine's clock is {_duration(abs(seconds))} {side} AWS's."


def clock_note(seconds: float) -> str:
    """Return the note of a plan, a proof or a record where the clocks differ; "" if hardly."""
    offset = describe_offset(seconds)
    return offset and f"{offset} The times in the record are this machine's; AWS decides by its own."


def _duration(seconds: float) -> str:
    whole = timedelta(seconds=round(seconds))
    minutes, rest = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    units = ((whole.days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{count} {unit}" for count, unit in units if count)
