"""The quick-create link: opens the page of CloudFormation on which a template becomes a stack."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms.cloudformation import CAPABILITY, stack_name
from xacct_nb.handoff.forms.half import Half, half_of
from xacct_nb.iam.arns import REGIONS
from xacct_nb.views import Code, Page, Shown, Table, View

# The console's hosts by partition, after the region.
_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
_S3 = re.compile(
    r"(?:[a-z0-9.-]+\.)?s3(?:[.-](?:dualstack\.)?(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+))?"
    r"\.amazonaws(?:\.com|\.com\.cn|\.eu)"
)
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]")
_MAX_URL = 1024


@dataclass(frozen=True, repr=False)
class QuickCreateLink(Shown):
    """A link that fills in CloudFormation's page, and what the owner still has to do there."""

    url: str
    left_to_the_owner: tuple[str, ...]

    def view(self) -> View:
        """Return the link and what it cannot carry."""
        rows = tuple((each,) for each in self.left_to_the_owner)
        return Page("Quick-create link", (Code("Link", self.url), Table(("what it cannot carry",), rows)))


def quick_create_link(
    documents: Documents | Grant, side: str, template_url: str, account: str = "", region: str = ""
) -> QuickCreateLink:
    """Return the link to CloudFormation's page for the template of a side, at `template_url` in S3.

    The stack is made in `region`: by default that of the template's address, where it has one. Source:
    CloudFormation user guide, cfn-console-create-stacks-quick-create-links. Raises InvalidInput.
    """
    half = half_of(documents, side, account)
    partition = half.grant.partition
    found = _region_of(template_url)
    region = _checked(region) if region else found or REGIONS[partition]
    query = urlencode({"templateURL": template_url, "stackName": stack_name(half)}, quote_via=quote, safe="")
    base = f"https://{region}.{_HOSTS[partition]}/cloudformation/home"
    return QuickCreateLink(f"{base}?region={quote(region)}#/stacks/quickcreate?{query}", tuple(_left(half)))


def _region_of(template_url: str) -> str:
    """Return the region in the address of an object in S3, "" for none. Raises InvalidInput."""
    parts = urlsplit(template_url)
    found = _S3.fullmatch(parts.hostname or "")
    if parts.scheme != "https" or not found or len(template_url) > _MAX_URL:
        raise InvalidInput(
            "CloudFormation does not take this address of a template.",
            why=f"A quick-create link needs the https address of an object in S3, {_MAX_URL:,} characters at "
            f"most; it has {len(template_url):,}. An address that a role session presigned is often longer.",
            hint="Upload the template to a bucket that the other owner may read, and use that address.",
        )
    return found["region"] or ""


def _checked(region: str) -> str:
    """Return a region unless it is none: it becomes part of the console's host. Raises InvalidInput."""
    if not _REGION.fullmatch(region):
        raise InvalidInput(
            f"There is no region {region[:40]!r}.",
            why="A region reads like eu-west-1.",
            hint="Leave it out for the region of the template's address.",
        )
    return region


def _left(half: Half) -> list[str]:
    external = "Type the external ID: CloudFormation ignores it in a link, because its parameter is NoEcho."
    return [
        f"Sign in to the account {half.account}: in another one, the template's rule refuses the stack.",
        *([external] if half.needs_external_id else []),
        f"Acknowledge that the stack makes IAM resources with names of their own ({CAPABILITY}).",
        "Have the rights of IAM yourself: a link cannot choose an execution role for the stack.",
        "Read the template: whoever may write to its address can change it.",
    ]
