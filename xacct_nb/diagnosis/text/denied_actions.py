"""The action that a denied operation needs, where the error text names only the operation."""

# Operations that need the action of the same name, and that no other service has.
_SAME_NAME = {
    "sts": "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage "
    "GetAccessKeyInfo GetFederationToken GetSessionToken GetWebIdentityToken",
    "s3": "AbortMultipartUpload CreateBucket DeleteBucket DeleteBucketPolicy DeleteObject "
    "DeleteObjectTagging GetBucketAcl GetBucketLocation GetBucketLogging GetBucketPolicy "
    "GetBucketPolicyStatus GetBucketTagging "
    "GetBucketVersioning GetBucketWebsite GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold "
    "GetObjectRetention GetObjectTagging GetObjectTorrent PutBucketAcl PutBucketLogging PutBucketPolicy "
    "PutBucketTagging PutBucketVersioning PutBucketWebsite PutObject PutObjectAcl PutObjectLegalHold "
    "PutObjectRetention PutObjectTagging RestoreObject",
    "kms": "CancelKeyDeletion CreateKey Decrypt DescribeKey DisableKey EnableKey EnableKeyRotation Encrypt "
    "GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext "
    "GenerateMac GetKeyPolicy GetKeyRotationStatus ListKeys PutKeyPolicy ReplicateKey RetireGrant "
    "RevokeGrant ScheduleKeyDeletion Sign VerifyMac",
    "secretsmanager": "BatchGetSecretValue CreateSecret DeleteSecret DescribeSecret GetRandomPassword "
    "GetSecretValue ListSecretVersionIds ListSecrets PutSecretValue RestoreSecret RotateSecret UpdateSecret "
    "UpdateSecretVersionStage",
    "sqs": "ChangeMessageVisibility CreateQueue DeleteMessage DeleteQueue GetQueueAttributes GetQueueUrl "
    "ListDeadLetterSourceQueues ListQueueTags ListQueues PurgeQueue ReceiveMessage SendMessage "
    "SetQueueAttributes",
    "iam": "AttachRolePolicy AttachUserPolicy CreateRole CreateUser DeleteRole GetRole GetUser ListRoles "
    "ListUsers PutRolePolicy PutUserPolicy UpdateAssumeRolePolicy",
    "lambda": "CreateFunction GetFunction UpdateFunctionCode UpdateFunctionConfiguration",
    "ssm": "GetParameter GetParameters GetParametersByPath PutParameter StartSession",
    "dynamodb": "BatchGetItem BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query Scan UpdateItem",
    "ec2": "DescribeInstances DescribeRegions DescribeVpcs RunInstances StartInstances StopInstances",
    "ecr": "BatchGetImage GetAuthorizationToken GetDownloadUrlForLayer",
    "eks": "DescribeCluster",
    "sns": "Publish",
    "cloudformation": "CreateChangeSet CreateStack DescribeStacks UpdateStack",
    "athena": "GetQueryExecution GetQueryResults StartQueryExecution",
    "glue": "GetDatabase GetDatabases GetPartitions GetTable GetTables StartJobRun",
}
# Operations that need an action of another name.
# Source: service authorization reference, the pages of S3, KMS, SQS and Lambda.
_OTHER_NAME = {
    "CompleteMultipartUpload": "s3:PutObject",
    "CopyObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "UploadPartCopy": "s3:PutObject",
    "DeleteBucketCors": "s3:PutBucketCORS",
    "DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "DeleteBucketReplication": "s3:PutReplicationConfiguration",
    "DeleteBucketTagging": "s3:PutBucketTagging",
    "DeleteObjects": "s3:DeleteObject",
    "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "GetBucketCors": "s3:GetBucketCORS",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "GetBucketLifecycle": "s3:GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "GetBucketReplication": "s3:GetReplicationConfiguration",
    "GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListBuckets": "s3:ListAllMyBuckets",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutBucketCors": "s3:PutBucketCORS",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "PutBucketReplication": "s3:PutReplicationConfiguration",
    "PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "SelectObjectContent": "s3:GetObject",
    "ReEncrypt": "kms:ReEncryptFrom",
    "ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "SendMessageBatch": "sqs:SendMessage",
    "Invoke": "lambda:InvokeFunction",
}
OPERATION_ACTIONS = {
    name: f"{service}:{name}" for service, names in _SAME_NAME.items() for name in names.split()
} | _OTHER_NAME
KNOWN_ACTIONS = frozenset(
    (*OPERATION_ACTIONS.values(), "sts:TagSession", "sts:SetSourceIdentity", "iam:PassRole")
)


def _look(action: str) -> str:
    return action.lower().translate(str.maketrans("1i|0", "lllo"))


_BY_LOOK = {_look(each): each for each in KNOWN_ACTIONS}
# The prefix of a service's actions, by the names that SDKs and CloudTrail give the service.
_PREFIXES = {
    "securitytokenservice": "sts", "securitytoken": "sts", "identitymanagement": "iam",
    "keymanagementservice": "kms", "simplequeueservice": "sqs", "simplenotificationservice": "sns",
    "dynamodbv2": "dynamodb", "simplesystemsmanagement": "ssm", "elasticcontainerregistry": "ecr",
    "cloudwatchlogs": "logs", "cloudwatch": "cloudwatch", "monitoring": "cloudwatch",
    "elasticloadbalancingv2": "elasticloadbalancing", "stepfunctions": "states", "sfn": "states",
    "route53": "route53", "costexplorer": "ce", "eventbridge": "events", "cloudwatchevents": "events",
    "ecs": "ecs", "codepipeline": "codepipeline", "s3control": "s3",
}  # fmt: skip


def service_prefix(name: str) -> str:
    """Return the prefix of a service's actions for its name in an SDK's text, "" for none."""
    plain = name.lower().removesuffix(".amazonaws.com")
    plain = "".join(each for each in plain if each.isalnum())
    plain = plain.removeprefix("amazon").removeprefix("aws")
    return _PREFIXES.get(plain, plain)


def action_of(operation: str, service: str = "") -> str:
    """Return the action that an operation needs, "" where neither the table nor the text says it.

    Source: service authorization reference.
    """
    prefix, known = service_prefix(service), OPERATION_ACTIONS.get(operation, "")
    if known and prefix in ("", known.partition(":")[0]):
        return known
    return f"{prefix}:{operation}" if prefix and operation else ""


def as_known(action: str) -> str:
    """Return an action as AWS writes it, where the text of a picture confused I, l and 1, or O and 0."""
    known = _BY_LOOK.get(_look(action), action)
    return action if action.lower() == known.lower() else known


def needs_object(action: str) -> bool:
    """Return whether an action of S3 is on an object, not on a bucket."""
    return "Object" in action or action.startswith("s3:AbortMultipart")
