"""What the verdict of a proof means, in words: by what its probes ask."""

from collections.abc import Collection


def describe_verdict(verdict: str, kinds: Collection[str]) -> str:
    """Return the meaning of a verdict (`holds`, `fails`, `not-proven`) of probes of these kinds."""
    asked = next((kind for kind in _VERDICTS if kind in kinds), "")
    return _VERDICTS[asked][verdict]


# By the kind of the probes that decide; "" for all others, which ask whether the access is there.
_VERDICTS = {
    "revoked": {
        "holds": "Older sessions are denied.",
        "fails": "Older sessions may still work.",
        "not-proven": "That older sessions are denied is not proven.",
    },
    "ended": {
        "holds": "The grant has ended, and AWS denies its callers.",
        "fails": "The grant has ended, and AWS still lets a caller in.",
        "not-proven": "The grant has ended; that AWS denies its callers is not proven.",
    },
    "": {
        "holds": "The access is what the grant says.",
        "fails": "The access is not what the grant says.",
        "not-proven": "The access is not proven.",
    },
}
