"""Wildcards in actions and resources."""

import re


def covers(pattern: str, action: str) -> bool:
    """Whether an action pattern (`s3:Get*`) covers an action, without regard to case."""
    return fits(pattern.lower(), action.lower())


def fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern in which `*` and `?` are wildcards."""
    words = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(words, name, re.DOTALL) is not None
