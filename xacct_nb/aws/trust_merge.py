"""The trust policy of a role of others with one statement put in or taken out."""

import json

from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.canonical import deleted_ids
from xacct_nb.iam.statement_text import put_statement

_CODE = "MalformedPolicyDocument"


def merged_text(text: str, change: Change) -> str:
    """Return the text of the trust policy after the change. Raises AwsRefused where AWS would not take it."""
    try:
        merged = put_statement(text, change.name, change.after)
    except ValueError as problem:
        raise AwsRefused(
            f"The trust policy of {change.target} cannot be written: {problem}.",
            why="Its owner changed it since, and AWS accepts no trust policy without a statement.",
            hint="Ask the role's owner to add a statement, or to delete the role.",
            aws_code=_CODE,
        ) from None
    if gone := deleted_ids(json.loads(merged)):
        raise AwsRefused(
            f"AWS refuses to write the trust policy of {change.target}.",
            why=f"A statement of it names {', '.join(gone)}, which was deleted.",
            hint="Let the role's owner remove that principal first.",
            aws_code=_CODE,
        )
    return merged
