"""The global condition keys: the types of their values, and the forms that values have."""

import re

BOOL, DATE, NUMBER, ADDRESS, ARN, TEXT, ACCOUNT = "bool", "date", "numeric", "ip", "arn", "text", "account"
# Source: reference_policies_condition-keys. Keys with a tag's name at their end are not among them.
_BY_TYPE = {
    BOOL: (
        *("PrincipalIsAWSService", "MultiFactorAuthPresent", "ViaAWSService", "SecureTransport"),
        "ViaAWSMCPService",
    ),
    DATE: ("CurrentTime", "TokenIssueTime"),
    # A number or a date.
    "": ("EpochTime",),
    NUMBER: ("MultiFactorAuthAge",),
    ADDRESS: ("SourceIp", "VpcSourceIp", "Ec2InstanceSourcePrivateIPv4"),
    ARN: ("PrincipalArn", "SourceArn", "SourceVpcArn", "ChatbotSourceArn"),
    ACCOUNT: ("PrincipalAccount", "SourceAccount", "ResourceAccount", "VpceAccount", "userid"),
    TEXT: (
        *("PrincipalOrgID", "PrincipalOrgPaths", "PrincipalServiceName", "PrincipalServiceNamesList"),
        *("PrincipalType", "username", "FederatedProvider", "SourceIdentity", "AssumedRoot"),
        *("Ec2InstanceSourceVpc", "SourceVpc", "SourceVpce", "VpceOrgID", "VpceOrgPaths"),
        *("ResourceOrgID", "ResourceOrgPaths", "SourceOrgID", "SourceOrgPaths", "RequestedRegion"),
        *(
            "CalledVia",
            "CalledViaFirst",
            "CalledViaLast",
            "CalledViaAWSMCP",
            "referer",
            "TagKeys",
            "UserAgent",
        ),
    ),
}
KEYS = {f"aws:{name}".lower(): f"aws:{name}" for names in _BY_TYPE.values() for name in names}
TYPE_OF = {f"aws:{name}".lower(): kind for kind, names in _BY_TYPE.items() for name in names}
# The forms of the values that a request can have. Source: the same page; the API reference of AssumeRole.
_NAME = r"[\w+=,.@-]{2,64}"
_FORMS = {
    **dict.fromkeys(("aws:principalorgid", "aws:resourceorgid", "aws:sourceorgid"), r"o-[a-z0-9]+"),
    # A path ends in a slash.
    **dict.fromkeys(("aws:principalorgpaths", "aws:resourceorgpaths"), r"o-[a-z0-9]+/(?:[a-z0-9-]+/)*"),
    **dict.fromkeys(
        ("aws:principalaccount", "aws:sourceaccount", "aws:resourceaccount"), r"\d{12}|anonymous"
    ),
    "aws:principaltype": "Account|User|FederatedUser|AssumedRole|Anonymous",
    "aws:sourcevpc": r"vpc-[0-9a-z]+",
    "aws:sourcevpce": r"vpce-[0-9a-z]+",
    "aws:requestedregion": r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}",
    "aws:principalarn": r"arn:.*",
    "aws:sourcearn": r"arn:.*",
    "sts:rolesessionname": _NAME,
    "sts:sourceidentity": _NAME,
}
_COMPILED = {key: re.compile(form) for key, form in _FORMS.items()}


def may_be_value(key: str, text: str) -> bool:
    """Return whether a request can have this text as the value of a key; True where that is not known."""
    form = _COMPILED.get(key)
    return form is None or bool({"*", "?", "$"} & set(text)) or form.fullmatch(text) is not None
