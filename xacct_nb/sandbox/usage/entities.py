"""What a report of use is about: a user, group, role or managed policy, with its policies and users."""

from dataclasses import dataclass

from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.ministack.callers import identity_documents

_IDS = {"user": "UserId", "role": "RoleId"}


@dataclass(frozen=True)
class ReportedEntity:
    """The texts of the policies that count, and the users and roles by ARN with their unique ids."""

    arn: str
    documents: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]


def entity_of(account: str, arn: str) -> ReportedEntity | None:
    """Return what an ARN of an account names, None for nothing; a user has its groups' policies too."""
    parts = arn.split(":", 5)
    kind, _, path = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    if kind == "policy":
        return _of_policy(account, arn)
    name = path.rpartition("/")[2]
    found = internals.entity(kind, account, name) if kind in ("user", "group", "role") else None
    if found is None or found["Arn"] != arn:
        return None
    documents = tuple(identity_documents(kind, account, name))
    if kind != "group":
        return ReportedEntity(arn, documents, ((arn, found[_IDS[kind]]),))
    users = [internals.entity("user", account, each) for each in internals.users_of(account, name)]
    return ReportedEntity(arn, documents, tuple((each["Arn"], each["UserId"]) for each in users if each))


def _of_policy(account: str, arn: str) -> ReportedEntity | None:
    if (document := internals.managed_document(account, arn)) == "{}":
        return None
    attached = internals.attached_to(account, arn)
    return ReportedEntity(arn, (document,), tuple((each["Arn"], each[_IDS[kind]]) for kind, each in attached))
