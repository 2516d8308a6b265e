"""A reference leads to no credential, and a grant file's to nothing that the runner did not allow."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from support.desk import Desk
from support.examples import a_grant, root_iam
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidGrant, RefusedReference, UnresolvedSecret
from xacct_nb.grants.grant import external_id
from xacct_nb.runs.loading import load_grant
from xacct_nb.runs.request import check_request
from xacct_nb.storage.references import check_allowed, resolve_reference

CASES = json.loads((Path(__file__).parent / "cases" / "credential_names.json").read_text())
PLANTED = "planted/Value-of-the-test-1"  # STS would take it as an external ID
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
FILES = [
    ".aws/credentials", ".aws/config", ".aws/sso/cache/0a1b.json", ".ssh/id_ed25519", ".ssh/id_rsa",
    ".config/gh/hosts.yml", ".config/rclone/rclone.conf", "etc/ssh_host_ed25519_key", "rootkey.csv",
    "secrets.yml", ".bash_history", "sandbox.json",
    ".netrc", "_netrc", ".docker/config.json", ".kube/config", ".env", ".env.production", "app/.env",
    "prod.env", ".pgpass", ".git-credentials", ".npmrc", ".pypirc",
    ".config/gcloud/application_default_credentials.json", "server.key", "backup/credentials",
    "db_password", "db-password.txt", "github_token", "api-key.txt", "ca/tls.pem",
    ".config/containers/auth.json", "terraform.tfstate", "prod.tfvars", ".vault-token", "id_rsa",
    "key.p12",
]  # fmt: skip
PLAIN_FILES = [
    "vendor.id", "acme/external-id", "reports.external-id", "secrets/acme-external-id", "aws/vendor",
    "env/id", "ssh.txt", "run/keys/vendor-id.txt", "monkey", "tokens-of-appreciation.id",
]  # fmt: skip
VALUES = {
    "a secret key": SECRET_KEY,
    "a key id": "AKIAIOSFODNN7EXAMPLE",
    "a temporary key id": "ASIAIOSFODNN7EXAMPLE",
    "a session token": "IQoJb3JpZ2luX2VjEXAMPLE" + "aB3/" * 20,
    "an older session token": "FwoGZXIvYXdzEXAMPLE" + "aB3/" * 20,
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "a1B2" * 5,
    "a password in a URL": "postgres://me:hunter2hunter2@db/reports",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it, where the process is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file_at(path: Path, content: str = PLANTED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content}\n")
    return path


def refusal(reference: str) -> RefusedReference:
    """The refusal of a reference that was allowed, which says nothing of the value."""
    with pytest.raises(RefusedReference) as refused:
        resolve_reference(reference)
    assert refused.value.what == f"The reference {reference!r} is refused."
    assert PLANTED not in str(refused.value)
    return refused.value


class TestNamesOfVariables:
    @pytest.mark.parametrize("name", CASES["credential"])
    def test_that_hold_a_credential_are_refused_also_where_they_were_allowed(
        self, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, PLANTED)

        assert refusal(f"env:{name}").why.startswith("A variable of this name holds a credential.")
        with pytest.raises(RefusedReference, match="is refused"):
            check_allowed(f"env:{name}", [f"env:{name}"])

    @pytest.mark.parametrize("name", ["VENDOR_ID", "PARTNER_EXTERNAL_ID", "AWS_EXTERNAL_ID", "REPORTS", "id"])
    def test_that_hold_an_external_id_are_accepted(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setenv(name, PLANTED)

        assert resolve_reference(f"env:{name}") == PLANTED


@pytest.mark.parametrize("value", ["ENV:VENDOR_ID", "Env:VENDOR_ID", "File:vendor.id", "env:", "file:"])
def test_what_looks_like_a_reference_and_is_none_is_no_external_id(value: str) -> None:
    with pytest.raises(InvalidGrant, match="does not accept"):
        a_grant(conditions={"external_id": value})


class TestFiles:
    @pytest.mark.parametrize("name", FILES)
    def test_of_credentials_are_refused_by_every_way_to_them(self, home: Path, name: str) -> None:
        path = file_at(home / name)
        (home / "link").symlink_to(path)
        (home / "folder").symlink_to(path.parent)
        (home / "a" / "b").mkdir(parents=True)
        ways = [
            str(path),
            f"~/{name}",
            name,
            "link",
            "./a/../link",
            f"a/b/../../{name}",
            f"folder/{path.name}",
        ]

        for way in (*ways, name.upper()):
            refusal(f"file:{way}")

    @pytest.mark.parametrize("name", [".aws/credentials", ".ssh/work", ".netrc", ".kube/config"])
    def test_of_credentials_are_refused_by_a_hard_link(self, home: Path, name: str) -> None:
        os.link(file_at(home / name), home / "vendor.id")

        refusal("file:vendor.id")

    @pytest.mark.parametrize(
        "variable",
        [
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_CONFIG_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "KUBECONFIG",
            "NETRC",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "DOCKER_CONFIG",
            "VAULT_TOKEN_PATH",
        ],
    )
    def test_that_a_variable_names_as_credentials_are_refused(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        path = file_at(home / "mine" / "vendor.id")
        assert resolve_reference(f"file:{path}") == PLANTED

        monkeypatch.setenv(variable, f"/nowhere{os.pathsep}{path.parent if 'DOCKER' in variable else path}")
        refusal(f"file:{path}")

    @pytest.mark.parametrize(
        "name",
        [
            *("/proc/self/environ", "/proc/1/environ", "/proc/self/cmdline", "/dev/../proc/self/environ"),
            *(
                "/dev/stdin",
                "/dev/zero",
                "/dev/null",
                "/dev/fd/0",
                "/sys/kernel/uevent_seqnum",
                "/etc/shadow",
            ),
        ],
    )
    def test_of_the_system_are_refused(self, home: Path, name: str) -> None:
        (home / "link").symlink_to(name)

        refusal(f"file:{name}")
        refusal("file:link")

    def test_of_other_names_are_accepted_where_a_variable_names_the_home_folder_as_that_of_credentials(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file_at(home / "vendor.id")
        for number, folder in enumerate((home, home.parent, "/")):
            monkeypatch.setenv(f"{number}_TOKEN_PATH", str(folder))

        assert resolve_reference("file:~/vendor.id") == PLANTED

    @pytest.mark.parametrize("name", PLAIN_FILES)
    def test_of_other_names_are_accepted(self, home: Path, name: str) -> None:
        file_at(home / name)

        assert resolve_reference(f"file:{name}") == resolve_reference(f"file:~/{name}") == PLANTED

    @pytest.mark.parametrize("name", ["\x00", "a" * 5000, "~nobody-of-this-name/x", "loop"])
    def test_that_cannot_be_are_unresolved(self, home: Path, name: str) -> None:
        (home / "loop").symlink_to("loop")

        with pytest.raises(UnresolvedSecret, match="cannot be resolved"):
            resolve_reference(f"file:{name}")


class TestValues:
    @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
    @pytest.mark.parametrize("kind", ["env", "file"])
    def test_that_look_like_a_credential_are_refused(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: str
    ) -> None:
        monkeypatch.setenv("VENDOR_ID", value)
        file_at(home / "vendor.id", value)
        refused = refusal("env:VENDOR_ID" if kind == "env" else "file:vendor.id")

        assert value not in str(refused)
        assert refused.why.startswith("What is found there is a credential, or looks like one.")

    @pytest.mark.parametrize("value", [PLANTED, f"x-{PLANTED}"])
    def test_that_are_or_contain_a_credential_of_the_environment_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("VENDOR_ID", value)
        assert resolve_reference("env:VENDOR_ID") == value

        monkeypatch.setenv("DB_PASSWORD", PLANTED)
        refusal("env:VENDOR_ID")

    @pytest.mark.parametrize(
        "value",
        [
            "vendor-7",
            "0b6c7f3e-9a55-4b5c-8d38-5f1f6f0f4b11",
            "a" * 40,
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        ],
    )
    def test_of_an_ordinary_external_id_are_accepted(
        self, monkeypatch: pytest.MonkeyPatch, value: str
    ) -> None:
        monkeypatch.setenv("VENDOR_ID", value)

        assert resolve_reference("env:VENDOR_ID") == value


class TestTheReferenceOfAGrantFile:
    @pytest.fixture(autouse=True)
    def grant_file(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("VENDOR_ID", PLANTED)
        fields = a_grant().to_json() | {"conditions": {"external_id": "env:VENDOR_ID"}}
        (home / "run.yaml").write_text("allow_references: ['env:VENDOR_ID']\n")
        (home / "grant.yaml").write_text(yaml.safe_dump(fields))
        return home / "grant.yaml"

    def secrets(self, *options: tuple[str, str], run_file: str = "") -> frozenset[str]:
        request = check_request(
            "plan_and_apply", Path("grant.yaml"), options, "", "", Path(run_file) if run_file else None
        )
        return request.secrets

    def test_is_refused_unless_it_is_allowed(self) -> None:
        with pytest.raises(
            RefusedReference, match="refers to 'env:VENDOR_ID', which is not allowed"
        ) as refused:
            self.secrets()

        assert "--allow-reference env:VENDOR_ID" in refused.value.hint
        with pytest.raises(RefusedReference):
            load_grant("grant.yaml")

    def test_is_allowed_by_a_word_on_the_command_line_in_the_run_file_or_in_python(self) -> None:
        by_option = self.secrets(("allow_references", "env:VENDOR_ID"))
        by_file = self.secrets(run_file="run.yaml")
        by_python = load_grant("grant.yaml", allow_references=["env:VENDOR_ID"])

        assert by_option == by_file == {PLANTED}
        assert (external_id(by_python), by_python.reference) == (PLANTED, "env:VENDOR_ID")

    @pytest.mark.parametrize("name", ["conditions.external_id", "conditions"])
    def test_is_allowed_where_p_gives_it(self, name: str) -> None:
        value = "env:VENDOR_ID" if "." in name else '{"external_id": "env:VENDOR_ID"}'

        assert self.secrets((name, value)) == {PLANTED}

    def test_is_not_allowed_by_another_condition_that_p_gives(self) -> None:
        with pytest.raises(RefusedReference):
            self.secrets(("conditions.require_mfa", "true"))

    @pytest.mark.parametrize(
        "allowed",
        ["env:VENDOR_ID ", "env:vendor_id", "env:VENDOR", "env:VENDOR_ID_2", "env:*", "file:VENDOR_ID"],
    )
    def test_is_compared_letter_by_letter(self, allowed: str) -> None:
        with pytest.raises(RefusedReference):
            self.secrets(("allow_references", allowed))

    def test_to_a_credential_is_refused_also_where_p_gives_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", PLANTED)

        with pytest.raises(RefusedReference, match="'env:GITHUB_TOKEN' is refused"):
            self.secrets(("conditions.external_id", "env:GITHUB_TOKEN"))

    def test_is_not_allowed_by_a_longer_text_in_the_place_of_a_list(self) -> None:
        with pytest.raises(RefusedReference):
            load_grant("grant.yaml", allow_references="env:VENDOR_ID_2")

        assert load_grant("grant.yaml", allow_references="env:VENDOR_ID").reference == "env:VENDOR_ID"

    def test_needs_no_word_where_the_grant_is_ones_own_notebook(self) -> None:
        options = [("conditions", '{"external_id": "env:VENDOR_ID"}')]

        assert check_request("plan_and_apply", None, options, "", "").secrets == {PLANTED}

    def test_is_never_the_variable_that_the_runner_itself_sets(self, grant_file: Path) -> None:
        text = grant_file.read_text().replace("env:VENDOR_ID", "env:XACCT_EXTERNAL_ID")
        grant_file.write_text(text)

        with pytest.raises(RefusedReference):
            self.secrets(("allow_references", "env:XACCT_EXTERNAL_ID"))


class TestSomebodyElsesGrant:
    @pytest.mark.parametrize(
        "reference", ["env:AWS_SECRET_ACCESS_KEY", "env:GITHUB_TOKEN", "file:~/.aws/credentials"]
    )
    def test_gets_no_credential_into_the_other_account_even_if_it_is_allowed_and_approved(
        self, desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch, reference: str
    ) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PLANTED)
        monkeypatch.setenv("GITHUB_TOKEN", PLANTED)
        file_at(home / ".aws" / "credentials")
        digest = desk.plan(conditions={"external_id": PLANTED}).digest
        fields = desk.grant().to_json() | {"conditions": {"external_id": reference}}
        (home / "sent.yaml").write_text(yaml.safe_dump(fields))
        words = [
            "-f",
            "sent.yaml",
            "--allow-reference",
            reference,
            "--approve",
            digest,
            "-p",
            "sandbox",
            "false",
        ]
        ended = CliRunner().invoke(
            main, ["run", "plan_and_apply", *words, "--records", str(desk.records), "--json"]
        )

        assert (ended.exit_code, json.loads(ended.stdout)["error"]["code"]) == (2, "refused-reference")
        assert PLANTED not in ended.stdout + ended.stderr
        assert (desk.state(), desk.records.exists()) == ([], False)

    def test_gets_the_external_id_that_the_runner_allowed_and_the_plan_and_the_approval_name_it(
        self, desk: Desk, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VENDOR_ID", PLANTED)
        digest = desk.plan(conditions={"external_id": PLANTED}).digest
        fields = desk.grant().to_json() | {"conditions": {"external_id": "env:VENDOR_ID"}}
        (home / "sent.yaml").write_text(yaml.safe_dump(fields))
        (home / "run.yaml").write_text("sandbox: false\nallow_references: ['env:VENDOR_ID']\n")
        ended = desk.run(file=home / "sent.yaml", run_file=home / "run.yaml", approve=digest)
        role = root_iam(desk.world, desk.world.destination).get_role(RoleName="reports-reader")["Role"]
        condition: dict[str, Any] = role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]

        assert ended.record.status == "succeeded"
        assert condition == {"StringEquals": {"sts:ExternalId": PLANTED}}
        assert (ended.record.plan.reference, ended.record.approval.reference) == ("env:VENDOR_ID",) * 2
        assert ended.record.parameters["conditions"]["external_id"] == "env:VENDOR_ID"
        assert desk.written(PLANTED) == []
