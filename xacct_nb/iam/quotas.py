"""AWS's limits on IAM documents, as data and as checks."""

import json
from typing import Any

from xacct_nb.errors import OverQuota

# IAM and STS quotas (IAM user guide, reference_iam-quotas); characters without white space.
MANAGED_POLICY = 6_144
TRUST_POLICY, TRUST_POLICY_MAX = 2_048, 8_192
# The longest document that a call of IAM accepts.
POLICY_MAX = 131_072
INLINE_TOTAL = {"user": 2_048, "role": 10_240, "group": 5_120}
POLICY_VERSIONS = 5
TAGS = 50  # on a user, role or policy
# Managed policies on one principal: the default, and the most that AWS grants on request.
ATTACHED = {"user": 10, "role": 20, "group": 10}
ATTACHED_MAX = {"user": 20, "role": 25, "group": 10}
ROLE_SESSION_SECONDS = (3_600, 43_200)


def minify(document: object) -> str:
    """Return the document as it is sent to AWS: no white space between the tokens."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def size(document: object) -> int:
    """Return the characters of a document as AWS counts them."""
    return len(minify(document))


def check_count(documents: list[dict[str, Any]], most: int, principal: str) -> list[dict[str, Any]]:
    """Return the policies. Raises OverQuota when there are more than AWS allows on one principal."""
    if len(documents) > most:
        raise OverQuota(
            f"{principal} would need {len(documents)} caller policies.",
            why=f"AWS allows {most} of this kind and length on it.",
            hint="Name fewer destinations in a grant, or use caller_policy: managed.",
        )
    return documents


def check_size(document: dict[str, Any], limit: int, name: str) -> dict[str, Any]:
    """Return the document. Raises OverQuota when it has more than `limit` characters."""
    if (length := size(document)) > limit:
        raise OverQuota(
            f"{name} has {length:,} characters.",
            why=f"AWS accepts {limit:,} here, white space not counted.",
            hint="Split the grant, or name fewer principals, actions or resources in it.",
        )
    return document
