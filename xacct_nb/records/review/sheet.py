"""What one reviewer is asked in a campaign, and the digest that their answers name."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.changes.signed_approval import names_of
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.approvers import Approver
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.review.item import ReviewItem
from xacct_nb.validation import Serializable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class ReviewSheet(Serializable):
    """The questions to one reviewer: `campaign` is the record that asks, `answer_by` a moment in UTC."""

    campaign: str
    reviewer: str
    answer_by: str
    items: tuple[ReviewItem, ...]

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) of all that the reviewer is shown."""
        return hashlib.sha256(canonical_json(self.to_json()).encode()).hexdigest()


def sheets_of(campaign: str, answer_by: str, items: Iterable[ReviewItem]) -> tuple[ReviewSheet, ...]:
    """Return the sheet of each reviewer of the items."""
    all_items = tuple(items)
    names = dict.fromkeys(name for each in all_items for name in each.reviewers)
    return tuple(
        ReviewSheet(campaign, name, answer_by, tuple(each for each in all_items if name in each.reviewers))
        for name in names
    )


def parse_reviewers(given: Mapping[str, Any], approvers: Iterable[Approver]) -> dict[str, tuple[str, ...]]:
    """Return the reviewers with their grants and accounts; each has a key, where there are approvers.

    Raises InvalidParameters.
    """
    keys = tuple(approvers)
    for name, has in given.items():
        listed = isinstance(has, list | tuple) and has and all(isinstance(each, str) for each in has)
        if not _NAME.fullmatch(name) or not listed:
            raise InvalidParameters(
                f"reviewers: {name!r} is no reviewer with a list of grants.",
                why="A name has letters, digits and ._@+-, 64 at most, and names a file. Its list has names "
                'of grants or fleets, account ids, or "*".',
                hint='Write it like {"alice": ["reports-readers", "222222222222"], "bob": ["*"]}.',
            )
        if keys and not any(name in names_of(each.name) for each in keys):
            raise InvalidParameters(
                f"reviewers: no key of approvers is {name}'s.",
                why=f"Answers must be signed, and the keys are of: {', '.join(each.name for each in keys)}.",
                hint="Add the reviewer's public key to approvers, or name them as their key does.",
            )
    return {name: tuple(has) for name, has in given.items()}
