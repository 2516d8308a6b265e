"""The global condition keys and the types of their values."""

BOOL, DATE, NUMBER, ADDRESS, ARN, TEXT, ACCOUNT = "bool", "date", "numeric", "ip", "arn", "text", "account"
# Source: reference_policies_condition-keys. Keys with a tag's name at their end are not among them.
_BY_TYPE = {
    BOOL: ("PrincipalIsAWSService", "MultiFactorAuthPresent", "ViaAWSService", "SecureTransport"),
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
        *("CalledVia", "CalledViaFirst", "CalledViaLast", "referer", "TagKeys", "UserAgent"),
    ),
}
KEYS = {f"aws:{name}".lower(): f"aws:{name}" for names in _BY_TYPE.values() for name in names}
TYPE_OF = {f"aws:{name}".lower(): kind for kind, names in _BY_TYPE.items() for name in names}
