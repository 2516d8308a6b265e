"""Nothing of a run in the sandbox leaves it, whatever its environment holds; a record says who answered."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from support.desk import Desk, notebook
from support.examples import grant_in, sessions_in
from support.in_process_sandbox import in_process_sandbox
from support.outside import Outside, outside, variables, variables_of_services
from xacct_nb.aws import answering_hosts, confinement
from xacct_nb.aws.answering_hosts import name_of_endpoint
from xacct_nb.errors import OutsideSandbox
from xacct_nb.runs import confinement as runs_confinement
from xacct_nb.runs.sandboxes import open_sandbox
from xacct_nb.sandbox.server import server
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import read_ledger, read_record

sandbox = in_process_sandbox

# One variable of a group leads outside as well as alone, unless another one of the group hides it.
GROUPS = 12
PARAMETERS = "name: str = 'reports'\nsandbox: bool = True"
BEFORE_IT_IS_OPEN = """
import json, pathlib, subprocess, sys
import boto3, xacct_nb as xa
from botocore.config import Config
people, refused = [], []
def attempt(**variables_set):
    try:
        variables_set.setdefault("region_name", "us-east-1")
        people.append(boto3.client("sts", **variables_set).get_caller_identity()["Arn"])
    except Exception as problem:
        refused.append(type(problem).__name__)
run = xa.start_run("cells", globals())
attempt(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
"""
ONCE_IT_IS_OPEN = """
run.place.open()
alice, hub = (boto3.Session(profile_name=each) for each in ("alice", "hub"))
for each in (alice, hub):
    people.append(each.client("sts").get_caller_identity()["Arn"])
    attempt(endpoint_url=OUTSIDE, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
proxied = alice.client("sts", config=Config(proxies={"http": OUTSIDE}))
people.append(proxied.get_caller_identity()["Arn"])
code = "import boto3; print(boto3.Session(profile_name='hub').client('sts').get_caller_identity()['Arn'])"
program = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
people.append(program.stdout.strip())
pathlib.Path(RESULT).write_text(json.dumps([people, refused]))
xa.record(run)
"""


@pytest.fixture
def away() -> Iterator[Outside]:
    with outside() as found:
        yield found


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    confinement.release()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("own") / "sandbox"
    yield open_sandbox(folder)
    server.down(folder)


def lead_outside(away: Outside, names: list[str], folder: Path) -> dict[str, str]:
    return {name: away.value_of(name, folder) for name in names}


@pytest.mark.parametrize(
    "names",
    [
        *(variables()[first::GROUPS] for first in range(GROUPS)),
        *(pytest.param([each], marks=pytest.mark.exhaustive) for each in variables()),
    ],
    ids=",".join,
)
def test_no_variable_leads_the_sessions_outside(
    world: World, away: Outside, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, value in lead_outside(away, names, tmp_path).items():
        monkeypatch.setenv(each, value)
    sessions = sessions_in(world, grant_in(world), ("alice", "hub"))

    assert sessions.identities[-1].arn.startswith(f"arn:aws:sts::{world.source}:assumed-role/hub/")
    assert away.connections == 0


def test_all_variables_together_lead_the_sessions_nowhere_else(
    world: World, away: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, value in lead_outside(away, [*variables(), *variables_of_services()], tmp_path).items():
        monkeypatch.setenv(each, value)
    monkeypatch.delenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")

    assert len(sessions_in(world, grant_in(world), ("alice", "hub")).identities) == 4
    assert away.connections == 0


def test_the_server_that_stands_for_outside_hears_clients_that_do_leave(
    away: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in (
        "AWS_ENDPOINT_URL_STS",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_MAX_ATTEMPTS",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.setenv(each, away.value_of(each, tmp_path))
    with pytest.raises(Exception, match="503"):
        boto3.Session().client("sts").get_caller_identity()

    assert away.connections > 0


def test_the_cells_of_a_run_and_the_programs_they_start_reach_the_sandbox_only(
    own: Sandbox, away: Outside, tmp_path: Path
) -> None:
    variables_set = lead_outside(away, variables(), tmp_path)
    names = f"OUTSIDE, RESULT = 'http://{away.address}', {str(tmp_path / 'seen')!r}"
    cells = (PARAMETERS, names, BEFORE_IT_IS_OPEN, ONCE_IT_IS_OPEN)
    command = [
        "run",
        notebook(tmp_path / "cells.ipynb", *cells),
        "--records",
        str(tmp_path / "records"),
        "--json",
    ]
    done = xacct(command, variables_set | {"XACCT_SANDBOX_DIR": str(own.folder)})
    people, refused = json.loads((tmp_path / "seen").read_text())

    assert done["status"] == "succeeded"
    assert people[0] == "arn:aws:iam::111111111111:user/alice"
    assert [each.split(":")[4] for each in people] == ["111111111111"] * 4
    assert refused == ["OutsideSandbox"] * 3
    assert away.connections == 0


def test_a_whole_run_with_all_variables_set_is_planned_in_the_sandbox(
    own: Sandbox, away: Outside, tmp_path: Path
) -> None:
    variables_set = lead_outside(away, variables(), tmp_path)
    command = ["run", "plan_and_apply", "--records", str(tmp_path / "records"), "--json"]
    done = xacct(command, variables_set | {"XACCT_SANDBOX_DIR": str(own.folder)})
    record = read_record(tmp_path / "records", read_ledger(tmp_path / "records")[0]["id"])

    assert (done["status"], record.where) == ("planned", f"sandbox at {own.endpoint}")
    assert away.connections == 0


BOTO3 = """
import boto3
for name in ("alice", "hub"):
    print(boto3.Session(profile_name=name).client("sts").get_caller_identity()["Account"])
"""
BOTOCORE = """
import botocore.session
for name in ("alice", "hub"):
    print(botocore.session.Session(profile=name).create_client("sts").get_caller_identity()["Account"])
"""


@pytest.mark.parametrize("code", [BOTO3, BOTOCORE], ids=["boto3", "botocore, as the AWS CLI uses it"])
def test_the_exports_lead_a_shell_to_the_sandbox_only(
    own: Sandbox, away: Outside, tmp_path: Path, code: str
) -> None:
    variables_set = lead_outside(away, variables(), tmp_path) | {"XACCT_SANDBOX_DIR": str(own.folder)}
    shell = f'eval "$({sys.executable} -m xacct_nb sandbox env)" && exec {sys.executable} -c "$CODE"'
    environment = clean() | variables_set | {"CODE": code}
    done = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["111111111111", "111111111111"]
    assert away.connections == 0


class TestTheDoor:
    def test_it_lets_only_the_endpoint_pass(self, away: Outside) -> None:
        confinement.confine("http://127.0.0.1:9")
        with pytest.raises(OutsideSandbox, match=f"A call to http://{away.address} is refused"):
            URLLib3Session().send(AWSRequest("GET", f"http://{away.address}/").prepare())

        assert away.connections == 0

    @pytest.mark.parametrize(
        "url",
        ["https://sts.amazonaws.com/", "http://169.254.169.254/latest/", "http://127.0.0.1:99/", "https://127.0.0.1:9/",
         "http://127.0.0.1:9.example/", "http://user@127.0.0.1:9/", "http://localhost:9/"],
    )  # fmt: skip
    def test_it_takes_no_other_name_for_the_endpoint(self, url: str) -> None:
        confinement.confine("http://127.0.0.1:9")
        with pytest.raises(OutsideSandbox):
            URLLib3Session().send(AWSRequest("GET", url).prepare())

    def test_after_it_was_released_clients_reach_what_they_name(self, away: Outside) -> None:
        confinement.confine("")
        confinement.release()
        response = URLLib3Session().send(AWSRequest("GET", f"http://{away.address}/").prepare())

        assert (response.status_code, away.connections) == (503, 1)


class TestAPersonsKernel:
    """The environment of a kernel in which a person goes on is given back, without what was changed since."""

    def test_it_has_its_own_variables_back(self, monkeypatch: pytest.MonkeyPatch, own: Sandbox) -> None:
        monkeypatch.setenv("AWS_PROFILE", "mine")
        monkeypatch.setenv("NO_PROXY", "example.com")
        before = dict(os.environ)
        runs_confinement.enter_sandbox()
        runs_confinement.use_sandbox(own)
        within = dict(os.environ)
        runs_confinement.leave_sandbox()

        assert within["AWS_CONFIG_FILE"] == str(own.config_file)
        assert "AWS_PROFILE" not in within
        assert within["NO_PROXY"] == "example.com,127.0.0.1,localhost,::1"
        assert dict(os.environ) == before

    def test_what_was_changed_since_stays(self, monkeypatch: pytest.MonkeyPatch, own: Sandbox) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        runs_confinement.enter_sandbox()
        runs_confinement.use_sandbox(own)
        monkeypatch.setenv("AWS_CONFIG_FILE", "/mine")
        runs_confinement.leave_sandbox()

        assert (os.environ["AWS_CONFIG_FILE"], os.environ["AWS_REGION"]) == ("/mine", "eu-west-1")


class TestWhoAnswered:
    @pytest.fixture(autouse=True)
    def forgotten(self) -> Iterator[None]:
        answering_hosts.forget_answers()
        yield
        answering_hosts.forget_answers()

    def test_an_endpoint_of_the_users_own_configuration_is_named_in_the_record(self, desk: Desk) -> None:
        record = replace(desk, in_process=True).run().record

        assert record.error is None
        assert record.where == f"{desk.world.endpoint}, which is not AWS"

    def test_the_exports_of_the_sandbox_do_not_make_a_run_aws(self, own: Sandbox, tmp_path: Path) -> None:
        command = ["run", "plan_and_apply", "-p", "sandbox", "false", "--records", str(tmp_path), "--json"]
        done = xacct(command, own.environment())
        record = read_record(tmp_path, read_ledger(tmp_path)[0]["id"])

        assert (done["status"], record.where) == ("planned", f"{own.endpoint}, which is not AWS")

    @pytest.mark.parametrize(
        ("host", "prefix"),
        [
            ("sts.amazonaws.com", "sts"),
            ("sts.eu-central-1.amazonaws.com", "sts"),
            ("sts-fips.us-east-1.amazonaws.com", "sts"),
            ("sts.us-gov-west-1.amazonaws.com", "sts"),
            ("sts.cn-north-1.amazonaws.com.cn", "sts"),
            ("iam.amazonaws.com", "iam"),
            ("iam.us-gov.amazonaws.com", "iam"),
            ("iam.cn-north-1.amazonaws.com.cn", "iam"),
            ("iam.global.api.aws", "iam"),
            ("iam.eusc-de-east-1.amazonaws.eu", "iam"),
            ("sts.eusc-de-east-1.amazonaws.eu", "sts"),
            ("s3.amazonaws.com", "s3"),
            ("reports.s3.amazonaws.com", "s3"),
            ("a.b.s3.dualstack.eu-west-1.amazonaws.com", "s3"),
            ("access-analyzer.eu-west-1.amazonaws.com", "access-analyzer"),
        ],
    )
    def test_the_names_of_aws_are_its_own(self, host: str, prefix: str) -> None:
        assert name_of_endpoint(f"https://{host}", prefix) == ""

    @pytest.mark.parametrize(
        "url",
        [
            "http://sts.amazonaws.com",
            "https://sts.amazonaws.com.example",
            "https://amazonaws.com",
            "https://stsXamazonaws.com",
            "https://x.execute-api.eu-west-1.amazonaws.com",
            "https://my-lb-1234.eu-west-1.elb.amazonaws.com",
            "https://sts.s3.amazonaws.com",
            "https://x.sts.amazonaws.com",
            "https://s3.amazonaws.com",
            "http://127.0.0.1:4566",
            "https://localhost.localstack.cloud:4566",
        ],
    )
    def test_no_other_name_is_aws(self, url: str) -> None:
        assert name_of_endpoint(url, "sts") == url

    def test_every_endpoint_that_botocore_knows_is_aws(self) -> None:
        found = {}
        for service in ("sts", "iam", "s3", "accessanalyzer", "cloudtrail", "organizations"):
            for partition in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
                for region in boto3.Session().get_available_regions(service, partition) or ["us-east-1"]:
                    client = boto3.client(service, region, aws_access_key_id="x", aws_secret_access_key="x")
                    url, prefix = client.meta.endpoint_url, client.meta.service_model.endpoint_prefix
                    found[url] = name_of_endpoint(url, prefix)

        assert {url: name for url, name in found.items() if name} == {}
        assert len(found) > 30

    def test_a_vpc_endpoint_is_named(self) -> None:
        url = "https://vpce-0a1b-2c3d.sts.eu-west-1.vpce.amazonaws.com"

        assert name_of_endpoint(url, "sts") == url.removeprefix("https://")

    @pytest.mark.parametrize(
        ("answered", "told"),
        [
            ({}, ""),
            ({"https://a": ""}, "AWS (aws)"),
            ({"https://a": "", "x": "http://x"}, "http://x, which is not AWS; other calls: AWS (aws)"),
            ({"x": "http://x", "y": "http://y"}, "http://x, http://y, which are not AWS"),
            ({"https://a": "", "v": "vpce-1.sts.vpce.example"}, "AWS (aws) through vpce-1.sts.vpce.example"),
        ],
    )  # fmt: skip
    def test_it_says_it_in_words(self, answered: dict[str, str], told: str) -> None:
        answering_hosts._answered.update(answered)

        assert answering_hosts.answering_endpoints("aws") == told


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XACCT_"))}


def xacct(command: list[str], variables_set: dict[str, str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "xacct_nb", *command],
        env=clean() | variables_set,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
