"""The catalogue: every known cause in general terms, by its code."""

from xacct_nb.diagnosis.catalogue.client import CLIENT_CAUSES
from xacct_nb.diagnosis.catalogue.destination import DESTINATION_CAUSES
from xacct_nb.diagnosis.catalogue.organization import ORGANIZATION_CAUSES
from xacct_nb.diagnosis.catalogue.request import REQUEST_CAUSES
from xacct_nb.diagnosis.catalogue.session import SESSION_CAUSES
from xacct_nb.diagnosis.catalogue.sign_in import SIGN_IN_CAUSES
from xacct_nb.diagnosis.catalogue.source import SOURCE_CAUSES
from xacct_nb.diagnosis.cause import Cause, ComparedElement, KnownCause
from xacct_nb.diagnosis.fixes.fix import NO_FIX, Fix

_SIDES = (*CLIENT_CAUSES, *SIGN_IN_CAUSES, *SOURCE_CAUSES, *DESTINATION_CAUSES, *ORGANIZATION_CAUSES)
KNOWN_CAUSES: tuple[KnownCause, ...] = (*_SIDES, *REQUEST_CAUSES, *SESSION_CAUSES)
CATALOGUE = {known.code: known for known in KNOWN_CAUSES}


def cause(
    code: str,
    confidence: str,
    why: str = "",
    mend: str = "",
    *commands: str,
    fix: Fix = NO_FIX,
    side: str = "",
    nearest: tuple[ComparedElement, ...] = (),
) -> Cause:
    """Return the cause of that code, with the catalogue's texts in place of those that are empty.

    A fix has its own mend and commands.
    """
    known = CATALOGUE[code]
    texts = (why or known.why, mend or fix.mend or known.mend)
    commands = commands or fix.commands
    return Cause(code, side or known.side, *texts, confidence, commands, fix=fix, nearest=nearest)
