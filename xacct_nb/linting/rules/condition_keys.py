"""Rules on condition keys and values: misspelt, absent, of another type or form, or compared as text."""

from collections.abc import Iterator
from difflib import get_close_matches

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.linting.rules.global_keys import (
    ACCOUNT,
    ADDRESS,
    ARN,
    BOOL,
    DATE,
    KEYS,
    NUMBER,
    TEXT,
    TYPE_OF,
    may_be_value,
)
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule
from xacct_nb.linting.rules.subjects import Clause, LintStatement

_TAGGED = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
# The operators that compare values of one type; text is compared by the String operators with any key.
_FAMILIES = {
    "bool": BOOL,
    "numeric": NUMBER,
    "date": DATE,
    "ipaddress": ADDRESS,
    "notipaddress": ADDRESS,
    "arn": ARN,
}
EXACT = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")
_FREE_TEXT = ("kms:encryptioncontext",)
_MFA = ("aws:multifactorauthpresent", "aws:multifactorauthage")
_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths")
# The keys that a request never has, by the kind of its caller.
_ABSENT = {
    "Federated": ("sts:externalid", "aws:username", *_MFA, *_ORGANIZATION),
    "Service": ("aws:username", "aws:principalaccount", "aws:principalarn", *_MFA, *_ORGANIZATION),
}
_KINDS = {"Federated": "a user of an identity provider", "Service": "an AWS service"}
_WHO = (*_ORGANIZATION, "aws:principaltag/", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce")
# A condition that these keys are there, whatever their value, is meant so.
_PRESENCE = (
    *("sts:externalid", "sts:sourceidentity", "aws:sourceidentity", "aws:requesttag/", "aws:principaltag/"),
    *("aws:resourcetag/", "s3:prefix"),
)
_WILD = {"*", "?"}


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


def _effect(clause: Clause) -> str:
    return "always holds" if clause.is_negated else "never holds"


def _near_key(clause: Clause) -> str:
    """Return the global key that a misspelt one resembles, "" where it is none."""
    if not clause.key.startswith("aws:") or clause.key in KEYS or clause.key.startswith(_TAGGED):
        return ""
    return next((KEYS[near] for near in get_close_matches(clause.key, KEYS, 1, 0.86)), "")


def _misspelt(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if near := _near_key(clause):
            yield _at(statement, clause), f"{clause.written}|{near}"


def never_present(statement: LintStatement) -> Iterator[Hit]:
    for kind, keys in _ABSENT.items():
        others = [
            each for each in ("AWS", "Service", "Federated") if each != kind and statement.principals(each)
        ]
        if statement.allows and statement.principals(kind) and not others:
            for clause in statement.on(*keys):
                if clause.needs_key:
                    yield _at(statement, clause), f"{clause.written}|{_KINDS[kind]}"


def _is_of_other_type(clause: Clause) -> bool:
    kind = next((value for name, value in _FAMILIES.items() if clause.plain.startswith(name)), "")
    known = TYPE_OF.get(clause.key, TEXT if clause.key in ("sts:externalid", "sts:rolesessionname") else "")
    digits = known == ACCOUNT and kind == NUMBER
    as_text = known == ADDRESS and clause.plain in EXACT and any("/" in each for each in clause.values)
    return as_text or bool(kind and known and kind != known and not digits)


def _other_type(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if _is_of_other_type(clause):
            yield _at(statement, clause), f"{clause.written_operator} with {clause.written}|{_effect(clause)}"


def _wild_text(clause: Clause) -> list[str]:
    """Return the values whose wildcards are compared as text."""
    exact = clause.plain in EXACT and not clause.key.startswith(_FREE_TEXT)
    return [value for value in clause.values if exact and _WILD & set(value) and "${" not in value]


def _as_text(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if wild := _wild_text(clause):
            alone = len(wild) == len(clause.values)
            effect = f"the condition {_effect(clause)}" if alone else "that value matches no request"
            yield _at(statement, clause), f"{clause.written_operator}|{effect}"


def _formless(clause: Clause) -> list[str]:
    """Return the values that no request can have."""
    text = clause.plain in EXACT or clause.plain in ("stringlike", "stringnotlike")
    return [value for value in clause.values if text and not may_be_value(clause.key, value)]


def _of_no_form(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if found := _formless(clause):
            yield _at(statement, clause), f"{summarize(found)}|{clause.written}"


def is_never_met(clause: Clause) -> bool:
    """Return whether no request meets this condition: it needs a key or a value that there is not."""
    if not clause.needs_key:
        return False
    lost = {*_wild_text(clause), *_formless(clause)}
    nothing = bool(clause.values) and lost == set(clause.values)
    return nothing or bool(_near_key(clause)) or (clause.operator != "null" and _is_of_other_type(clause))


def _any_value(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions that any value meets, on keys whose mere presence says nothing."""
    for clause in statement.clauses if statement.allows else ():
        wild = any(not value.strip("*") for value in clause.values)
        if (
            clause.plain == "stringlike"
            and wild
            and clause.needs_key
            and not clause.key.startswith(_PRESENCE)
        ):
            yield _at(statement, clause), clause.written


def _missing_passes(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions that say who gets in, and that a request without the key meets."""
    for clause in statement.on(*_WHO) if statement.allows and "*" not in statement.principals() else ():
        passes = "ifexists" in clause.operator or clause.operator.startswith("forallvalues:")
        if passes and not clause.is_negated and not statement.limited_by(clause.key):
            yield _at(statement, clause), f"{clause.written_operator}|{clause.written}"


KEY_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("misspelt-condition-key", WARNING, _misspelt,
        why="AWS has no condition key {it}, so it is absent from every request.",
        mend="Write {more}."),
    Rule("key-never-present", WARNING, never_present, (TRUST, RESOURCE),
        why="{it} is absent when {more} calls, so the condition never holds.",
        mend="Remove the condition, or use a key that such a call has."),
    Rule("operator-of-other-type", WARNING, _other_type,
        why="{it} compares values of different types, so the condition {more}.",
        mend="Use the operator of the key's type (IpAddress, Bool, Date, Numeric, Arn, String)."),
    Rule("wildcard-as-text", WARNING, _as_text,
        why="{it} compares * and ? as text, so {more}.",
        mend="Use StringLike or StringNotLike, or write the whole value."),
    Rule("value-of-other-form", WARNING, _of_no_form,
        why="{it} never is a value of {more}, so it matches no request.",
        mend="Write it as AWS does: o-ID, o-ID/r-ID/ou-ID/ with its last slash, 12 digits, vpc-ID."),
    Rule("any-value", NOTE, _any_value,
        why="* is every value of {it}: at most a request without the key is kept out.",
        mend="Write what the value must be, or remove the condition."),
    Rule("missing-key-passes", WIDENS, _missing_passes, (TRUST, RESOURCE),
        why="With {it} a request without {more} meets the condition, so those without it get in too.",
        mend="Use the operator without IfExists and without ForAllValues."),
)  # fmt: skip
