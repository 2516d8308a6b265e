"""Sentences that differ only in the account, told once for all these accounts."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from xacct_nb.fleets.live_findings import few
from xacct_nb.grants.target import ACCOUNT

_ACCOUNT_ID = re.compile(r"(?<!\d)\d{12}(?!\d)")


def told_once(sentences: Iterable[str]) -> Iterator[str]:
    """Yield the sentences in order; equal ones about several accounts as one, which counts and names them."""
    shapes = {each: tuple(_shapes(each)) for each in dict.fromkeys(sentences)}
    accounts = defaultdict[str, dict[str, None]](dict)
    for own in shapes.values():
        for shape, account in own:
            accounts[shape][account] = None
    told = set[str]()
    for sentence, own in shapes.items():
        shape = max((shape for shape, _ in own), key=lambda each: len(accounts[each]), default="")
        about = accounts.get(shape, {})
        if len(about) < 2:
            yield sentence
        elif shape not in told:
            told.add(shape)
            yield f"{shape} ({ACCOUNT}: {len(about)} accounts: {', '.join(few(about, len(about)))})"


def _shapes(sentence: str) -> Iterator[tuple[str, str]]:
    """Yield the sentence without each account that it names, and that account."""
    for account in dict.fromkeys(_ACCOUNT_ID.findall(sentence)):
        yield sentence.replace(account, ACCOUNT), account
