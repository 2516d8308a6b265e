"""Refusals of tags in a call of IAM or STS. Sources: id_tags, id_session-tags.

The messages for equal keys are recorded ones; that for a reserved key is not.
"""

from xacct_nb.sandbox.http.calls import Call, Refusal

_RESERVED = "Tag keys that begin with aws: are reserved."
_EQUAL = "Duplicate tag keys found. Please note that Tag keys are case insensitive."
_NOT_PASSED = "The specified transitive tag key must be included in the requested tags."


def tags(call: Call) -> Refusal | None:
    """Refuse keys that are reserved for AWS, or equal but for case."""
    keys = [key.lower() for key in call.members("Tags", "Key")]
    reserved = any(key.startswith("aws:") for key in keys)
    if not reserved and len({*keys}) == len(keys):
        return None
    code = "InvalidParameterValue" if call.service == "sts" else "InvalidInput"
    return Refusal(400, code, _RESERVED if reserved else _EQUAL)


def transitive(call: Call) -> Refusal | None:
    """Refuse transitive keys that are not among the tags of the call."""
    passed = {key.lower() for key in call.members("Tags", "Key")}
    if {key.lower() for key in call.members("TransitiveTagKeys")} <= passed:
        return None
    return Refusal(400, "InvalidParameterValue", _NOT_PASSED)
