"""Reads, and where there is no outside way changes, what MiniStack keeps in memory; no other module does."""

_owners: dict[str, str] = {}


def account_of(key: str) -> str:
    """The 12-digit account of an access key; "" if nobody has such a key."""
    from ministack.services import iam, sts

    if len(key) == 12 and key.isdigit():
        return key
    if session := sts._sessions.get(key):
        return str(session.get("AccountId", ""))
    if not iam._access_keys.contains_scoped(_owners.get(key, ""), None, key):
        _owners.pop(key, None)
        _owners.update({known: account for account, known in iam._access_keys.to_dict() if known == key})
    return _owners.get(key, "")
