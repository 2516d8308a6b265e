"""The catalogue: every cause that is known, in general words, by its code."""

from xacct_nb.diagnosis.catalogue.client import CLIENT_CAUSES
from xacct_nb.diagnosis.catalogue.destination import DESTINATION_CAUSES
from xacct_nb.diagnosis.catalogue.organization import ORGANIZATION_CAUSES
from xacct_nb.diagnosis.catalogue.request import REQUEST_CAUSES
from xacct_nb.diagnosis.catalogue.session import AFTER_CAUSES
from xacct_nb.diagnosis.catalogue.source import SOURCE_CAUSES
from xacct_nb.diagnosis.cause import Cause, Known

CATALOGUE: dict[str, Known] = {
    each.code: each
    for table in (
        CLIENT_CAUSES,
        SOURCE_CAUSES,
        DESTINATION_CAUSES,
        ORGANIZATION_CAUSES,
        REQUEST_CAUSES,
        AFTER_CAUSES,
    )
    for each in table
}


def cause(
    code: str,
    confidence: str,
    why: str = "",
    mend: str = "",
    commands: tuple[str, ...] = (),
    side: str = "",
) -> Cause:
    """The cause of that code; what is not said is said in the catalogue's general words."""
    general = CATALOGUE[code]
    return Cause(code, side or general.side, why or general.why, mend or general.mend, confidence, commands)
