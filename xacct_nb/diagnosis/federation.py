"""Finds causes of a denied AssumeRoleWithWebIdentity or AssumeRoleWithSAML in the role's trust policy."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import Cause


def federation_causes(case: Case) -> Iterator[Cause]:
    """Yield why the trust policy does not let the provider's token in."""
    yield from ()
