"""From the candidates of single roles to declared grants: grouped, named, planned against what is there."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from xacct_nb.changes.planner import diff_with
from xacct_nb.errors import XacctError
from xacct_nb.fleets.discovery_accounts import LiveAccounts, LiveRole
from xacct_nb.fleets.discovery_candidates import STAYS, Candidate, Candidates, Gap
from xacct_nb.fleets.discovery_state import state_of
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE
from xacct_nb.grants.documents import DESTINATION, SOURCE, Policy, build
from xacct_nb.grants.grant import Grant, account_of, resolve
from xacct_nb.grants.naming import policy_name_of
from xacct_nb.grants.pictures.trust_statements import roles_named
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.redaction.redact import fingerprint, is_fingerprint
from xacct_nb.validation import Serializable, as_plain

ACCOUNT = "{account}"
_OF_ROLE = ("permissions", "managed_policies", "permissions_boundary")
_LONGEST = 32


@dataclass(frozen=True)
class DiscoveredGrant(Serializable):
    """Roles that one declaration gives: one grant, or several that only the account tells apart.

    `made` is whether the tool made them. `changes` are those that a plan has now, if there are any: that of
    `adopt` where others made the roles. `external_id` is the one that the roles ask for, of which the grants
    have a reference only.
    """

    name: str
    grants: tuple[Grant, ...]
    made: bool
    changes: tuple[str, ...] = ()
    external_id: SecretStr = field(default=SecretStr(""), repr=False)

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of the external ID, "" for none."""
        secret = self.external_id.get_secret_value()
        return secret if not secret or is_fingerprint(secret) else fingerprint(secret)

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the ARNs of the roles."""
        return tuple(role for grant in self.grants for role in grant.destinations)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, the external ID as its fingerprint."""
        fields = {name: as_plain(value) for name, value in vars(self).items() if name != "external_id"}
        return {**fields, "external_id": self.fingerprint}


def declare(candidates: Candidates, live: LiveAccounts) -> tuple[list[DiscoveredGrant], list[Gap]]:
    """Return the grants that give the access of the candidates, and what cannot be declared."""
    found, gaps = list[DiscoveredGrant](), list[Gap]()
    taken = {each.name for each in candidates.found if each.name}
    for family, odd in _families(candidates.found):
        gaps += odd
        name = family[0].name or _free_name(family[0].role, taken)
        try:
            found.append(_declared(name, family, live))
            gaps += _unread_sources(found[-1], live)
        except XacctError as problem:
            gaps += (Gap(each.role.arn, problem.what.rstrip(".")) for each in family)
    return found, gaps


def _families(candidates: Iterable[Candidate]) -> Iterator[tuple[list[Candidate], list[Gap]]]:
    """Yield the candidates that one declaration gives, and the gaps of those that only have its name.

    The roles of one grant of the tool have its name; other roles, their own name, in every account.
    """
    named, unnamed = defaultdict[str, list[_Template]](list), defaultdict[str, list[_Template]](list)
    for candidate in candidates:
        template = _Template.of(candidate)
        if candidate.name:
            named[candidate.name].append(template)
        else:
            unnamed[template.role].append(template)
    for _, templates in sorted(named.items()):
        most = max((many for way in ("exact", "key") for many in _alike(templates, way)), key=len)
        roles = {each.candidate.role.arn for each in most}
        others = [each for each in templates if each.candidate.role.arn not in roles]
        yield [each.candidate for each in most], [each.difference(most[0]) for each in others]
    for _, templates in sorted(unnamed.items()):
        equal = _alike(templates, "exact")
        single = [each for many in equal for each in many if len(many) == 1]
        for many in (*(many for many in equal if len(many) > 1), *_alike(single, "key")):
            yield list({each.candidate.role.arn: each.candidate for each in many}.values()), []


def _alike(templates: Iterable["_Template"], way: str) -> list[list["_Template"]]:
    """Return the templates in groups that are equal in one of the two ways: `exact` or `key`."""
    found = defaultdict[str, list[_Template]](list)
    for each in templates:
        found[getattr(each, way)].append(each)
    return list(found.values())


@dataclass(frozen=True)
class _Template:
    """A candidate as text: `exact` as it is, `key` with its own account's id left open.

    Candidates that are equal in one of the two ways are the same declaration.
    """

    candidate: Candidate
    role: str
    fields: Mapping[str, Any]
    exact: str
    key: str

    @classmethod
    def of(cls, candidate: Candidate) -> "_Template":
        """Return the template of a candidate."""
        account = candidate.role.account
        kept = {name: candidate.fields.get(name) for name in _OF_ROLE}
        # Which of a grant's roles were adopted says nothing about its other roles.
        rest = {name: each for name, each in candidate.fields.items() if name not in ("adopt", *_OF_ROLE)}
        fields = {
            **rest,
            "sources": sorted(candidate.fields["sources"]),
            **{name: canonical_json(each).replace(account, ACCOUNT) for name, each in kept.items()},
        }
        exact, key = canonical_json(fields | kept), canonical_json(fields)
        role = Arn.parse(candidate.role.arn).resource.replace(account, ACCOUNT)
        return cls(candidate, role, fields, exact, key)

    def difference(self, usual: "_Template") -> Gap:
        """Return what tells the role apart from the others of its grant."""
        names = [
            name for name in (*self.fields, *usual.fields) if self.fields.get(name) != usual.fields.get(name)
        ]
        why = f"it is of the grant {self.candidate.name!r}, whose other roles differ in "
        return Gap(self.candidate.role.arn, f"{why}{', '.join(dict.fromkeys(names))}")


def _declared(name: str, family: Sequence[Candidate], live: LiveAccounts) -> DiscoveredGrant:
    """Return the declaration of a family, with what a plan of it changes. Raises XacctError."""
    secret = str(family[0].fields["conditions"].get("external_id", ""))
    reference = f"env:{EXTERNAL_ID_VARIABLE}_{name.upper().replace('-', '_')}" if secret else ""
    alike = defaultdict[str, list[Candidate]](list)
    for each in _ordered(name, family, live):
        alike[canonical_json([each.fields.get(field) for field in _OF_ROLE])].append(each)
    adopt = any(each.fields["adopt"] for each in family)
    grants = tuple(_grant(name, each, reference, adopt) for each in alike.values())
    resolved = [resolve(each, lambda _: secret) for each in grants]
    roles = {each.role.arn: each.role for each in family}
    changes = tuple(_changes(resolved, roles, live))
    return DiscoveredGrant(name, grants, bool(family[0].name), changes, SecretStr(secret))


def _grant(name: str, alike: Sequence[Candidate], reference: str, adopt: bool) -> Grant:
    fields = {
        field: value for field, value in alike[0].fields.items() if value not in ("", (), [], {}, False)
    }
    conditions = dict(alike[0].fields["conditions"]) | ({"external_id": reference} if reference else {})
    roles = [each.role.arn for each in alike]
    return Grant(**{**fields, "name": name, "destinations": roles, "conditions": conditions, "adopt": adopt})


def _ordered(name: str, family: Sequence[Candidate], live: LiveAccounts) -> list[Candidate]:
    """Return the candidates in the order in which the caller policies name the roles, else by their ARNs."""
    named = roles_named(_caller_policies(name, family[0], live))
    places = {role: place for place, role in enumerate(dict.fromkeys(named))}
    return sorted(family, key=lambda each: (places.get(each.role.arn, len(places)), each.role.arn))


def _caller_policies(name: str, one: Candidate, live: LiveAccounts) -> Iterator[Policy]:
    """Yield the grant's caller policies in the order of their numbers, of one caller after the other."""
    partition = Arn.parse(one.role.arn).partition
    for account in dict.fromkeys(map(account_of, one.fields["sources"])):
        for number in itertools.count(1):
            policy = policy_name_of(name, number)
            inline = [live.holders[each].inline[policy] for each in live.inline.get((account, policy), ())]
            document = live.document(f"arn:{partition}:iam::{account}:policy/{policy}")
            if document is None and not inline:
                break
            yield from (*([document] if document else []), *inline)


def _changes(grants: Sequence[Grant], roles: Mapping[str, LiveRole], live: LiveAccounts) -> Iterator[str]:
    """Yield what a plan of the grants changes: of each one's roles, then of the callers of all."""
    for grant in grants:
        yield from _planned(grant, DESTINATION, roles, live)
    if not _carrier_accounts(grants[0]) <= live.read:
        return
    nothing: dict[str, Any] = {"permissions": (), "managed_policies": (), "permissions_boundary": ""}
    destinations = tuple(role for grant in grants for role in grant.destinations)
    yield from _planned(
        grants[0].model_copy(update={**nothing, "destinations": destinations}), SOURCE, roles, live
    )


def _carrier_accounts(grant: Grant) -> set[str]:
    """Return the accounts in which the grant has caller policies."""
    return (
        set()
        if grant.caller_policy == "none"
        else set(map(account_of, filter(None, (*grant.principals, grant.attach_to))))
    )


def _unread_sources(declared: DiscoveredGrant, live: LiveAccounts) -> Iterator[Gap]:
    """Yield what is not known of a grant whose callers are in an account that was not read."""
    for account in sorted(_carrier_accounts(declared.grants[0]) - live.read):
        why = f"account {account}, where the callers of the grant {declared.name!r} are, was not read"
        yield from (Gap(role, why, STAYS) for role in declared.roles)


def _planned(grant: Grant, side: str, roles: Mapping[str, LiveRole], live: LiveAccounts) -> Iterator[str]:
    documents = build(grant, side)
    # The findings of a plan are left to the one who makes it.
    for change in diff_with(documents, state_of(documents, live, roles), lambda: ()).changes:
        yield f"{change.sign} {change.title} in {change.account}"


def _free_name(role: LiveRole, taken: set[str]) -> str:
    """Return a name for a grant of roles that others made, which no other grant has."""
    name = Arn.parse(role.arn).name.replace(role.account, "").lower()
    words = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    short = (words if words[:1].isalpha() else f"role-{words}").strip("-")[:_LONGEST].rstrip("-")
    numbers = (f"-{number}" for number in itertools.count(2))
    found = next(
        each
        for suffix in itertools.chain([""], numbers)
        if (each := short[: _LONGEST - len(suffix)] + suffix) not in taken
    )
    taken.add(found)
    return found
