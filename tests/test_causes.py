"""Each failure of the list is produced by a test, shown by its text, or excluded with the reason."""

import re

import pytest

from support import denied_assume_role, denied_session, failing_client
from xacct_nb.diagnosis.catalogue import CATALOGUE, KNOWN_CAUSES
from xacct_nb.diagnosis.cause import CONFIDENCES
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import diagnose

SIDES = {"A": 19, "B": 15, "C": 27, "O": 6, "E": 10, "F": 7, "G": 5, "H": 6, "I": 7}
NUMBERS = {f"{letter}{number}" for letter, count in SIDES.items() for number in range(1, count + 1)}
TABLES = (denied_assume_role.TABLE, denied_session.TABLE, failing_client.TABLE)
# Produced by a test of its own, beside the tables.
ALONE = {"A8", "A14", "A18", "G1", "G3", "G2", "G4", "G5", "C6", "C7", "C8", "C25", "C26", "I6", "I7"}

ROLE = "arn:aws:iam::222222222222:role/reader"
BARE = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: "
    f"arn:aws:iam::111111111111:user/alice is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
)
# Told by the text that AWS has for it: some of them also, some only, for want of an endpoint and a console.
TEXTS = {
    "A9": (
        "The SSO session associated with this profile has expired or is otherwise invalid.",
        "expired-credentials",
    ),
    "B7": (f"{BARE} because no permissions boundary allows the sts:AssumeRole action", "caller-boundary"),
    "B8": (f"{BARE} because no session policy allows the sts:AssumeRole action", "caller-session-policy"),
    "B9": (f"{BARE} with an explicit deny in a service control policy", "service-control-policy"),
    "B10": (f"{BARE} because no VPC endpoint policy allows the sts:AssumeRole action", "vpc-endpoint-policy"),
    "C20": (f"{BARE} with an explicit deny in the role trust policy", "trust-deny"),
    "C24": (
        "An error occurred (UnmodifiableEntity) when calling the UpdateAssumeRolePolicy operation: Cannot "
        "perform the operation on the protected role 'AWSServiceRoleForSupport'",
        "protected-role",
    ),
    "O1": (f"{BARE} with an explicit deny in a resource control policy", "resource-control-policy"),
    "E6": (
        "An error occurred (PackedPolicyTooLarge) when calling the AssumeRole operation: Packed policy "
        "consumes 117% of allotted space, please use smaller policy.",
        "packed-policy-too-large",
    ),
    "F1": (
        "An error occurred (RegionDisabledException) when calling the AssumeRole operation: STS is not "
        "activated in the requested region for the account that is being asked to generate credentials",
        "region-not-active",
    ),
    "F2": ("The provided token is malformed or otherwise invalid.", "global-token-in-opt-in-region"),
    "H1": (
        "Invalid information in one or more fields. Check your information or contact your administrator.",
        "switch-role-refused",
    ),
}  # fmt: skip
# Seen in documents that the sandbox does not let anybody make, or in the pure tests of test_diagnosis.py.
READ = {
    "H2": "console-path-too-long, from the ARN and the console's text",
    "H4": "console-cannot-give, from the trust policy and the console's text",
}
NEITHER = {
    "B15": "It is no denial: the access is wider than intended, which a lint finding reports.",
    "O2": "A sign-in, not a call of AssumeRole; a text is known for it, but no public one to quote.",
    "O3": "It is a reason not to trust a test, not a denial.",
    "O5": "AWS answers as to any denial, and only the organization knows the account's status.",
    "O6": "AWS answers as to C6: the account is gone.",
    "F4": "AWS answers as to B9: the region is in the policy that only the organization sees.",
    "F7": "It is a comparison of two regions, and each of them is one of the other causes.",
    "H3": "The console offers nothing to root; there is no text.",
    "H5": "AWS answers as to C2 or C3, for the identity that signed in first.",
    "H6": "Nothing is denied: a session ends earlier than intended.",
}


def produced() -> set[str]:
    rows = (row for table in TABLES for row in table)
    return {entry for row in rows for entry in row.entries.split()} | ALONE


def test_every_entry_is_produced_or_found_by_its_text_or_listed_as_neither() -> None:
    missing = NUMBERS - produced() - set(TEXTS) - set(READ) - set(NEITHER)

    assert missing == set()
    assert (set(NEITHER) | set(READ)) & produced() == set()
    assert len(produced() & NUMBERS) >= 70


def test_the_catalogue_holds_every_entry() -> None:
    assert {entry for each in CATALOGUE.values() for entry in each.numbers.split()} == NUMBERS


@pytest.mark.parametrize("entry", TEXTS)
def test_an_error_text_is_enough_for_the_cause(entry: str) -> None:
    text, code = TEXTS[entry]
    found = diagnose(denial=read_denial(text))

    assert found.causes[0].code == code, found
    assert entry in CATALOGUE[code].numbers.split()


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_cause_says_why_and_what_to_do(code: str) -> None:
    known = CATALOGUE[code]

    assert re.fullmatch(r"[a-z]+(-[a-z]+)+|throttled", code)
    assert known.side in ("source", "destination", "organization", "client")
    assert known.sure in CONFIDENCES
    assert known.why.endswith(".")
    assert known.mend


def test_a_code_stands_for_one_cause() -> None:
    assert len(KNOWN_CAUSES) == len(CATALOGUE)
