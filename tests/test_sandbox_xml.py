"""Whatever text a call has, the sandbox's response is well-formed XML, and gives the text back as it was."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode
from xml.parsers import expat

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.boto3_clients import client, policy, trust
from support.examples import an_account
from support.in_process_sandbox import in_process_sandbox, start
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox

HOSTILE = [
    "<",
    "&",
    "]]>",
    "<![CDATA[",
    "&amp;",
    "&#0;",
    "\x00",
    "\x0b",
    "\r\n",
    "\r",
    "\ufffe",
    "\U0001f600",
]
HOSTILE += ["é", "'\"", "</Message>", "\u202e", "\x7f", "\x85", "%", "{0}", "\ud7ff"]
CHARACTERS = st.one_of(st.sampled_from(HOSTILE), st.characters(exclude_categories=("Cs",)))
TEXT = st.lists(CHARACTERS, min_size=1, max_size=6).map("".join)
# AWS's pattern for descriptions has these characters of a hostile text; the others are refused.
DESCRIBABLE = "a <b> & 'c' \"d\" ]]> &lt; \t\n é ÿ </Description>"
SERVICES = {"iam": "2010-05-08", "sts": "2011-06-15"}
MODELS = {service: Loader().load_service_model(service, "service-2") for service in SERVICES}
OPERATIONS = [(service, name) for service, model in MODELS.items() for name in model["operations"]]
ACCOUNT = an_account()
# Every parameter of these operations that is a text, and the members of lists.
NAMES = sorted(
    {
        name
        for model in MODELS.values()
        for shape in model["shapes"].values()
        if shape["type"] == "structure"
        for name in shape["members"]
    }
    | {"Tags.member.1.Key", "Tags.member.1.Value", "TagKeys.member.1", "ActionNames.member.1"}
    | {"ThumbprintList.member.1", "ClientIDList.member.1", "PolicyInputList.member.1"}
)


def sent(service: str, parameters: dict[str, str]) -> bytes:
    """The body of the response to a call of the root user, whatever its parameters are."""
    sandbox, body = start(), urlencode(parameters, errors="surrogatepass")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{sandbox.endpoint}/", headers=headers, data=body)
    SigV4Auth(Credentials(ACCOUNT, sandbox.root_secret(ACCOUNT)), service, "us-east-1").add_auth(request)
    return bytes(URLLib3Session().send(request.prepare()).content)


def assert_well_formed(body: bytes) -> None:
    if body.lstrip().startswith(b"<"):
        expat.ParserCreate().Parse(body, True)


@given(st.sampled_from(OPERATIONS), st.dictionaries(st.sampled_from(NAMES), TEXT, min_size=1, max_size=12))
def test_a_call_with_hostile_parameters_has_well_formed_xml(
    operation: tuple[str, str], parameters: dict[str, str]
) -> None:
    service, action = operation
    body = sent(service, {"Version": SERVICES[service], "Action": action, **parameters})

    assert_well_formed(body)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each[1])
@pytest.mark.parametrize("text", ["<a> & ]]> \x00 \r \ufffe \U0001f600"])
def test_every_operation_answers_one_hostile_text_in_well_formed_xml(
    operation: tuple[str, str], text: str
) -> None:
    service, action = operation
    parameters = dict.fromkeys(NAMES, text)

    assert_well_formed(sent(service, {"Version": SERVICES[service], "Action": action, **parameters}))


@given(TEXT, TEXT)
def test_an_unknown_operation_or_version_has_well_formed_xml(action: str, version: str) -> None:
    for service, known in SERVICES.items():
        assert_well_formed(sent(service, {"Version": version, "Action": action}))
        assert_well_formed(sent(service, {"Version": known, "Action": action}))


@given(TEXT.map(lambda text: text.replace("/", "")).filter(lambda text: text.strip(". ")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_s3_answers_hostile_keys_in_well_formed_xml(text: str) -> None:
    sandbox = start()
    for method, path in (
        ("GET", f"/nobody/{quote(text)}"),
        ("GET", f"/nobody?prefix={quote(text)}"),
        ("PUT", f"/{quote(text)}"),
    ):
        request = AWSRequest(method, sandbox.endpoint + path)
        S3SigV4Auth(Credentials(ACCOUNT, sandbox.root_secret(ACCOUNT)), "s3", "us-east-1").add_auth(request)
        assert_well_formed(URLLib3Session().send(request.prepare()).content)


class TestTextComesBack:
    """Each text that AWS accepts in a field comes back as it was, by boto3's own parser."""

    def test_a_description(self, world: World) -> None:
        iam, everyone = client(world, "iam"), trust(f"arn:aws:iam::{world.source}:root")
        made = iam.create_role(RoleName="r", AssumeRolePolicyDocument=everyone, Description=DESCRIBABLE)
        iam.update_role_description(RoleName="r", Description=DESCRIBABLE + "2")
        listed = [role for role in iam.list_roles()["Roles"] if role["RoleName"] == "r"]
        iam.create_policy(PolicyName="p", PolicyDocument=policy("s3:GetObject"), Description=DESCRIBABLE)
        arn = f"arn:aws:iam::{world.destination}:policy/p"

        assert made["Role"]["Description"] == DESCRIBABLE
        assert (
            listed[0]["Description"] == iam.get_role(RoleName="r")["Role"]["Description"] == DESCRIBABLE + "2"
        )
        assert iam.get_policy(PolicyArn=arn)["Policy"]["Description"] == DESCRIBABLE

    @pytest.mark.parametrize("key", ["a b", "team/é:ü", "x" * 128])
    def test_tags(self, world: World, key: str) -> None:
        iam, tags = client(world, "iam"), [{"Key": key, "Value": "ß @ _.:/=+-"}]
        iam.create_user(UserName="u", Tags=tags)
        iam.tag_role(RoleName="summary-reader", Tags=tags)

        assert iam.get_user(UserName="u")["User"]["Tags"] == tags
        assert iam.list_user_tags(UserName="u")["Tags"] == tags
        assert iam.list_role_tags(RoleName="summary-reader")["Tags"] == tags

    @pytest.mark.parametrize("path", ["/a&b/", "/<x>/", "/plain/"])
    def test_a_path_also_within_the_arn_and_in_a_decision(self, world: World, path: str) -> None:
        iam = client(world, "iam")
        arn = iam.create_user(UserName="u", Path=path)["User"]["Arn"]
        key = iam.create_access_key(UserName="u")["AccessKey"]
        iam.put_user_policy(UserName="u", PolicyName="me", PolicyDocument=policy("iam:GetUser", Resource=arn))
        own = client(world, "iam", {**key, "SessionToken": None})
        with pytest.raises(ClientError) as refusal:
            own.list_roles()

        assert (
            arn
            == iam.get_user(UserName="u")["User"]["Arn"]
            == f"arn:aws:iam::{world.destination}:user{path}u"
        )
        assert own.get_user(UserName="u")["User"]["Path"] == path
        assert f"User: {arn} is not authorized" in refusal.value.response["Error"]["Message"]
        assert client(world, "sts", {**key, "SessionToken": None}).get_caller_identity()["Arn"] == arn

    @pytest.mark.parametrize("text", ["<a> & b", "é ü", "]]>", "a\tb\nc"])
    def test_a_policy(self, world: World, text: str) -> None:
        iam = client(world, "iam")
        document = policy("s3:GetObject", Condition={"StringEquals": {"aws:PrincipalTag/x": text}})
        iam.put_role_policy(RoleName="summary-reader", PolicyName="p", PolicyDocument=document)
        found = iam.get_role_policy(RoleName="summary-reader", PolicyName="p")["PolicyDocument"]

        assert found["Statement"][0]["Condition"] == {"StringEquals": {"aws:PrincipalTag/x": text}}

    @pytest.mark.parametrize(
        "call",
        [
            lambda iam, text: iam.list_roles(PathPrefix=text),
            lambda iam, text: iam.tag_user(UserName="u", Tags=[{"Key": text, "Value": ""}]),
            lambda iam, text: iam.get_policy(PolicyArn=f"arn:aws:iam::1:policy/{text}"),
            lambda iam, text: iam.update_access_key(AccessKeyId="A" * 20, Status=text),
        ],
    )
    @pytest.mark.parametrize("text", ["<x>", "a&b", "]]>"])
    def test_an_error_that_quotes_the_call(
        self, world: World, call: Callable[[Any, str], Any], text: str
    ) -> None:
        with pytest.raises(ClientError) as refusal:
            call(client(world, "iam"), text)

        assert text in refusal.value.response["Error"]["Message"]

    @pytest.mark.parametrize("key", ["a & b/<c>.txt", "]]>", "é\U0001f600", "x\ty"])
    def test_the_key_of_an_object(self, world: World, key: str) -> None:
        s3 = client(world, "s3")
        s3.put_object(Bucket=world.bucket, Key=key, Body=b"", Tagging="a%26=b%3C")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=world.bucket)["Contents"]]

        assert key in keys
        assert s3.get_object_tagging(Bucket=world.bucket, Key=key)["TagSet"] == [{"Key": "a&", "Value": "b<"}]
