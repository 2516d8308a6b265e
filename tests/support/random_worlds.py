"""Small random worlds: policies of every kind over two accounts, and calls that are often allowed, often not.

In documents `{source}`, `{destination}` and `{third}` are accounts, `{organization}` for the id of the
organization, `{here}` for the account of the bucket that a policy is on.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from support.random_conditions import ALICE, HUB, HUB_SESSION, Draw, conditions, often, some
from xacct_nb.iam.canonical import as_list

Document = dict[str, Any]
Statement = dict[str, Any]
NEW, OLD = "2012-10-17", "2008-10-17"
FULL: Document = {"Version": NEW, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
USER, TOKEN, SESSION, ROOT = "user", "token", "session", "root"
INSIDE = ("s3:GetObject", "s3:PutObject", "s3:ListBucket", "iam:GetRole", "iam:GetUser")


@dataclass(frozen=True)
class Holder:
    """The policies of a user or a role: inline, managed, of a group (users only), and the boundary."""

    inline: Document | None
    managed: Document | None
    group: Document | None
    boundary: Document | None


@dataclass(frozen=True)
class Made:
    """How a session is made: the parameters of AssumeRole beyond the role, those that are None left out."""

    name: str
    external_id: str | None = None
    source_identity: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    transitive: tuple[str, ...] = ()
    policy: Document | None = None


@dataclass(frozen=True)
class Organization:
    """The members, the management account, and control policies by account and level, None for none."""

    members: tuple[str, ...]
    management: str
    service: dict[str, list[list[Document]]]
    resource: dict[str, list[list[Document]]]


@dataclass(frozen=True)
class World:
    """A caller in the source account, a role in one of the two, and what is asked.

    The caller is the user alice (with long-term keys, or those of GetSessionToken: TOKEN), the session s0 of
    the role hub, or the root user. `calls` ask for the role reader in `account`, `acts` are what the caller
    and the sessions of reader try in their own accounts. `reborn` if alice was deleted and made again after
    the trust policy was written.
    """

    caller: str
    account: str
    own: Holder
    made: Made
    trust: Document
    role: Holder
    buckets: tuple[Document | None, Document | None]
    organization: Organization | None
    calls: list[Made]
    acts: list[str]
    reborn: bool


def _conditioned(statement: Statement, met: dict[str, Any]) -> Statement:
    return statement | ({"Condition": met} if met else {})


_ACTIONS = (
    "sts:AssumeRole",
    "sts:*",
    "*",
    "sts:assume*",
    "sts:TagSession",
    "sts:SetSourceIdentity",
    "s3:*",
    "s3:Get*",
    "s3:ListBucket",
    "s3:PutObject",
    "iam:Get*",
    "iam:GetRole",
    "*:Get*",
)
_ASSUMING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
_WIDE = ("*", ["sts:*", "s3:*", "iam:Get*"], _ASSUMING, "sts:*")
_RESOURCES = (
    "arn:aws:iam::{destination}:role/reader",
    "arn:aws:iam::*:role/*",
    "arn:aws:iam::{source}:role/reader",
    "arn:aws:iam::{destination}:*",
    "arn:aws:iam::{source}:user/*",
    "arn:aws:iam::{source}:user/team/*",
    "arn:aws:iam::*role/reader",
    "arn:aws:iam::*:role/Reader",
    "arn:aws:iam::*",
    "arn:aws:s3:::reports-*",
    "arn:aws:s3:::reports-{destination}/alice/*",
    "arn:aws:s3:::reports-${aws:PrincipalAccount}/${aws:username}/*",
    "arn:aws:s3:::reports-{source}",
    "arn:aws:s3:::*/alice/a.txt",
    "arn:aws:s3:::reports-${*}",
)


@st.composite
def own_statement(draw: st.DrawFn) -> Statement:
    """Of an identity policy, a boundary, a session policy or a service control policy."""
    deny = draw(st.integers(0, 4)) == 0
    wide = draw(st.booleans()) and not deny
    element = draw(st.sampled_from(["Action", "Action", "Action", "NotAction"]))
    what = draw(st.sampled_from(_WIDE)) if wide else draw(some(_ACTIONS, 3))
    where = draw(often("*", "*", "*", "NotResource"))
    statement: Statement = {"Effect": "Deny" if deny else "Allow"}
    statement |= {"Action": what} if wide else {element: what}
    if where == "NotResource" and not wide:
        statement |= {"NotResource": draw(some(_RESOURCES))}
    else:
        statement |= {"Resource": "*" if wide or draw(st.booleans()) else draw(some(_RESOURCES, 3))}
    return _conditioned(statement, draw(conditions(3 if deny else 5)))


def document(statement: Draw, most: int = 2, versions: tuple[str, ...] = (NEW, NEW, NEW, OLD, "")) -> Draw:
    """A policy of some statements; a single one may be outside a list, and "" is no Version."""
    statements = st.one_of(statement, st.lists(statement, min_size=1, max_size=most))
    return st.builds(_versioned, st.sampled_from(versions), statements)


def _versioned(version: str, told: Any) -> Document:
    return {"Version": version, "Statement": told} if version else {"Statement": told}


own_documents = document(own_statement())
new_documents = document(own_statement(), versions=(NEW,))
_wide_documents = st.one_of(st.just(FULL), new_documents)


@st.composite
def holders(draw: st.DrawFn, group: bool) -> Holder:
    """Policies of a user (`group`) or a role: one that allows everything in about half of the draws."""
    inline = draw(st.one_of(st.just(FULL), st.just(FULL), own_documents, own_documents))
    managed = draw(st.one_of(st.none(), st.none(), new_documents))
    grouped = draw(st.one_of(st.none(), st.none(), own_documents)) if group else None
    boundary = draw(st.one_of(st.none(), st.none(), st.none(), st.none(), _wide_documents))
    bare = draw(st.integers(0, 7)) == 0
    return Holder(None if bare else inline, managed, grouped, boundary)


_CALLERS = {USER: [ALICE], TOKEN: [ALICE], SESSION: [HUB, HUB_SESSION, HUB], ROOT: []}
_WHO = ["{source}", "arn:aws:iam::{source}:root", "*", "{third}", ALICE, HUB, HUB_SESSION]
_WHO += ["arn:aws:sts::{source}:assumed-role/hub/S0", "{destination}"]


@st.composite
def trust_statement(draw: st.DrawFn, caller: str) -> Statement:
    """Of a trust policy. AWS takes no NotPrincipal, Resource, NotResource or Principal `*` there."""
    deny = draw(st.integers(0, 5)) == 0
    who = draw(some([*_CALLERS[caller] * 3, *_WHO], 3))
    statement: Statement = {"Effect": "Deny" if deny else "Allow"}
    service = draw(often({}, {}, {"Service": "ec2.amazonaws.com"}))
    statement |= {"Principal": {"AWS": who} | service}
    actions = [*_ASSUMING, "sts:*", "sts:assumerole"]
    if draw(st.integers(0, 7)) == 0:
        statement["NotAction"] = draw(some(_ASSUMING))
    else:
        wide = often(_ASSUMING, "sts:*", "sts:AssumeRole")
        statement["Action"] = draw(some(actions, 3) if deny else st.one_of(wide, wide, some(actions, 3)))
    return _conditioned(statement, draw(conditions(2 if deny else 4)))


@st.composite
def trust_documents(draw: st.DrawFn, caller: str) -> Document:
    """Of the role reader: with a plain statement that allows the caller in about half of the draws."""
    statements = draw(st.lists(trust_statement(caller), min_size=1, max_size=3))
    if draw(st.booleans()):
        who = draw(st.sampled_from([*_CALLERS[caller] * 2, "{source}", "*"]))
        plain = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": _ASSUMING}
        statements[0] = _conditioned(plain, draw(conditions()))
    alone = len(statements) == 1 and draw(st.booleans())
    return _versioned(draw(often(NEW, NEW, OLD, "")), statements[0] if alone else statements)


@st.composite
def bucket_statement(draw: st.DrawFn) -> Statement:
    """Of a bucket policy."""
    deny = draw(st.integers(0, 3)) == 0
    reader = ["arn:aws:sts::{here}:assumed-role/reader/s1", "arn:aws:iam::{here}:role/reader"]
    who = draw(some([*_WHO, *reader], 3))
    statement: Statement = {"Effect": "Deny" if deny else "Allow", "Principal": {"AWS": who}}
    if deny and draw(st.booleans()):
        del statement["Principal"]
        accounts = draw(often(["{source}"], ["{source}", "arn:aws:iam::{destination}:root"], []))
        statement["NotPrincipal"] = {"AWS": [*accounts, *([who] if isinstance(who, str) else who)]}
    bucket = "arn:aws:s3:::reports-{here}"
    statement["Action"] = draw(some(("s3:*", "s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:get*")))
    resources = draw(
        often([bucket, f"{bucket}/*"], [f"{bucket}/alice/*"], [f"{bucket}/${{aws:username}}/*"], [bucket])
    )
    # S3 takes no statement with an action that none of its resources has.
    if "s3:ListBucket" in statement["Action"] and bucket not in resources:
        resources = [bucket, *resources]
    if resources == [bucket] and {"s3:GetObject", "s3:PutObject"} & {*as_list(statement["Action"])}:
        resources = [bucket, f"{bucket}/alice/*"]
    statement["Resource"] = resources if len(resources) > 1 else resources[0]
    return _conditioned(statement, draw(conditions(3)))


@st.composite
def control_statement(draw: st.DrawFn) -> Statement:
    """Of a resource control policy: these deny."""
    statement: Statement = {"Effect": "Deny", "Principal": "*"}
    statement["Action"] = draw(some(("sts:AssumeRole", "sts:*", "s3:*", "s3:GetObject", "sts:TagSession")))
    statement["Resource"] = draw(often("*", *_RESOURCES[:4], "arn:aws:s3:::reports-*"))
    return _conditioned(statement, draw(conditions(1)))


@st.composite
def organizations(draw: st.DrawFn) -> Organization:
    """One that has the source account in it, the destination account too, or one of them as management."""
    members = draw(often(("source", "destination"), ("source",), ("destination",)))
    service, resource = {}, {}
    level = st.lists(st.one_of(st.just(FULL), st.just(FULL), new_documents), min_size=1, max_size=2)
    denials = document(control_statement(), versions=(NEW,))
    for account in members:
        if draw(st.booleans()):
            service[account] = draw(st.lists(level, min_size=1, max_size=2))
        if draw(st.booleans()):
            resource[account] = draw(st.lists(st.lists(denials, max_size=1), min_size=1, max_size=2))
    return Organization(members, draw(often("", "", *members)), service, resource)


@st.composite
def calls(draw: st.DrawFn) -> Made:
    """A call of AssumeRole for the role reader."""
    tags = draw(often((), (("team", "red"),), (("team", "red"), ("Cost", "12")), (("Cost", "100"),)))
    keys = [key for key, _ in tags]
    return Made(
        draw(often("s1", "alice", "S1")),
        draw(often(None, "first", "first", "12", "second")),
        draw(often(None, None, "ann")),
        tags,
        tuple(draw(st.lists(st.sampled_from(keys), max_size=1))) if keys else (),
        draw(st.one_of(st.none(), st.none(), st.none(), own_documents)),
    )


@st.composite
def sessions_of_hub(draw: st.DrawFn) -> Made:
    """How the caller's session is made. A transitive tag is one that no call passes: AWS refuses that."""
    tags = draw(often((), (("stage", "dev"),), (("team", "blue"),)))
    transitive = draw(often((), ("stage",))) if tags[:1] == (("stage", "dev"),) else ()
    identity, policy = draw(often(None, "ann")), draw(st.one_of(st.none(), st.none(), own_documents))
    return Made("s0", None, identity, tags, transitive, policy)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Random worlds."""
    caller = draw(st.sampled_from([USER] * 5 + [SESSION] * 6 + [TOKEN, ROOT]))
    account = draw(st.sampled_from(["source", "destination"]))
    bucket = st.one_of(st.none(), document(bucket_statement()))
    return World(
        caller,
        account,
        draw(holders(caller in (USER, TOKEN))),
        draw(sessions_of_hub()),
        draw(trust_documents(caller)),
        draw(holders(False)),
        (draw(bucket), draw(bucket)),
        draw(st.one_of(st.none(), organizations())),
        draw(st.lists(calls(), min_size=2, max_size=3)),
        draw(st.lists(st.sampled_from(INSIDE), min_size=1, max_size=3, unique=True)),
        draw(st.integers(0, 15)) == 0,
    )
