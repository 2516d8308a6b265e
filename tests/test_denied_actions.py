"""The action that an operation needs: every operation of the table is one of AWS's."""

import botocore.session
import pytest

from xacct_nb.diagnosis.text.denied_actions import KNOWN_ACTIONS, OPERATION_ACTIONS, action_of, service_prefix


@pytest.mark.parametrize(
    ("operation", "service", "action"),
    [
        ("AssumeRole", "", "sts:AssumeRole"),
        ("AssumeRole", "AWSSecurityTokenService", "sts:AssumeRole"),
        ("HeadObject", "Amazon S3", "s3:GetObject"),
        ("ListObjectsV2", "s3.amazonaws.com", "s3:ListBucket"),
        ("ListBuckets", "", "s3:ListAllMyBuckets"),
        ("UploadPart", "S3", "s3:PutObject"),
        ("Invoke", "Lambda", "lambda:InvokeFunction"),
        ("SendMessageBatch", "AmazonSQS", "sqs:SendMessage"),
        ("StartExecution", "SFN", "states:StartExecution"),
        ("GetQueryResults", "CloudWatch Logs", "logs:GetQueryResults"),
        ("InvokeModel", "", ""),
        ("", "S3", ""),
    ],
)
def test_the_action_of_an_operation(operation: str, service: str, action: str) -> None:
    assert action_of(operation, service) == action


def test_every_operation_of_the_table_is_one_of_its_service() -> None:
    session = botocore.session.get_session()
    names = {
        service: set(session.get_service_model(service).operation_names)
        for service in {action.partition(":")[0] for action in OPERATION_ACTIONS.values()}
    }
    strange = [
        each for each, action in OPERATION_ACTIONS.items() if each not in names[action.partition(":")[0]]
    ]

    assert strange == []
    assert set(OPERATION_ACTIONS.values()) < KNOWN_ACTIONS


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("Sts", "sts"),
        ("AmazonIdentityManagement", "iam"),
        ("AmazonDynamoDBv2", "dynamodb"),
        ("AWSKMS", "kms"),
    ],
)
def test_the_prefix_of_a_service_by_the_names_that_sdks_give_it(name: str, prefix: str) -> None:
    assert service_prefix(name) == prefix
