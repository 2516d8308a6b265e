"""Who gets a token from an identity provider: the well-known issuers, as a table."""

import re
from dataclasses import dataclass

# Whom an issuer serves: everybody who has an account there, or the machines or the people of one owner.
EVERYONE, MACHINES, PEOPLE = "everyone", "machines", "people"
# The claims that AWS reads from any token (reference_policies_iam-condition-keys, OIDC federation).
_USUAL = ("aud", "sub", "amr", "oaud", "email")
_ANY_VALUE = re.compile(r"(?=.*[^*?])[^*?].*", re.DOTALL)
_ONE_VALUE = re.compile(r"[^*?]+")
_OWNER_AND_MORE = re.compile(r"[^/*?]+/.*")


@dataclass(frozen=True)
class Issuer:
    """An issuer of tokens, and its address (`host`).

    `claims` limit the callers, each with the form of a value that names an owner; AWS also reads the
    `readable` ones. `anybody` gets in where no claim names an owner; `example` is a condition that does.
    """

    name: str
    host: re.Pattern[str]
    serves: str
    claims: dict[str, re.Pattern[str]]
    anybody: str
    example: str
    readable: tuple[str, ...] = ()

    def reads(self, claim: str) -> bool:
        """Return whether AWS makes a condition key of this claim."""
        return claim in _USUAL or claim in self.claims or claim in self.readable


def _sub(form: str) -> dict[str, re.Pattern[str]]:
    return {"sub": re.compile(form, re.DOTALL)}


def _host(form: str) -> re.Pattern[str]:
    return re.compile(form, re.IGNORECASE)


_SERVICE_ACCOUNT = r"system:serviceaccount:[^:*?].*|[^*?]+"
_POD = "every service account of the cluster, so every pod"
_ACCOUNT_OF_POD = "sub: system:serviceaccount:NAMESPACE:NAME"
_GITHUB_CLAIMS = {
    # The owner stands before the first slash; custom subjects name it by another claim.
    "sub": re.compile(
        r"repo:[^/*?]+/.*"
        r"|(?!repo:)(?:[^*?]*:)?(?:repository|repository_owner|repository_owner_id|repository_id|enterprise"
        r"|enterprise_id|job_workflow_ref|actor_id):[^*?].*",
        re.DOTALL,
    ),
    "repository": _OWNER_AND_MORE,
    "job_workflow_ref": _OWNER_AND_MORE,
    **dict.fromkeys(
        ("repository_id", "repository_owner_id", "enterprise_id", "actor", "actor_id"), _ONE_VALUE
    ),
}
_GITHUB_READ = ("environment", "ref", "workflow")
_REPOSITORY = "sub: repo:OWNER/REPOSITORY:*"
_BUILDKITE_IDS = ("organization_id", "organization_slug", "pipeline_id", "cluster_id")
_GITLAB_IDS = ("project_id", "namespace_id", "user_id", "user_login", "user_email")
_ORGANIZATION = _sub(r"organization:[^:*?]+:.*")

ISSUERS = (
    Issuer("GitHub Actions", _host(r"token\.actions\.githubusercontent\.com"), EVERYONE, _GITHUB_CLAIMS,
        "every workflow of every repository on GitHub", _REPOSITORY, _GITHUB_READ),
    Issuer("GitHub Enterprise", _host(r"token\.actions\.(githubusercontent\.com/.+|[^/]+\.ghe\.com)"),
        MACHINES, _GITHUB_CLAIMS, "every workflow of every repository of the enterprise", _REPOSITORY,
        _GITHUB_READ),
    Issuer("GitHub audit log streaming", _host(r"oidc-configuration\.audit-log\.githubusercontent\.com"),
        EVERYONE, _sub(r"https://github\.com/[^*?]+"), "every enterprise on GitHub", "sub: https://github.com/ENTERPRISE"),
    Issuer("GitLab.com", _host(r"gitlab\.com"), EVERYONE,
        _sub(r"project_path:[^/*?]+/.*") | dict.fromkeys(_GITLAB_IDS, _ONE_VALUE),
        "every pipeline of every project on GitLab.com", "sub: project_path:GROUP/PROJECT:*",
        ("pipeline_source", "ref_protected", "runner_environment", "user_access_level")),
    Issuer("HCP Terraform", _host(r"app\.terraform\.io"), EVERYONE, _ORGANIZATION,
        "every workspace of every organization in HCP Terraform",
        "sub: organization:NAME:project:PROJECT:workspace:WORKSPACE:run_phase:*"),
    Issuer("Buildkite", _host(r"agent\.buildkite\.com"), EVERYONE,
        _ORGANIZATION | dict.fromkeys(_BUILDKITE_IDS, _ONE_VALUE),
        "every pipeline of every organization on Buildkite", "sub: organization:NAME:pipeline:PIPELINE:*",
        ("build_branch", "cluster_name", "pipeline_slug")),
    Issuer("Vercel", _host(r"oidc\.vercel\.com"), EVERYONE,
        _sub(r"owner:[^:*?]+:.*") | {"aud": re.compile(r"https://vercel\.com/[^*?]+")},
        "every project of every team on Vercel", "sub: owner:TEAM:project:PROJECT:*"),
    Issuer("Pulumi Cloud", _host(r"api\.pulumi\.com/oidc"), EVERYONE,
        _sub(r"pulumi:.*:?org:[^:*?]+:.*") | {"aud": _ONE_VALUE},
        "every stack of every organization in Pulumi Cloud", "aud: aws:ORGANIZATION"),
    Issuer("Scalr", _host(r"scalr\.io"), EVERYONE, _sub(r"account:[^:*?]+:.*"),
        "every workspace of every account in Scalr", "sub: account:NAME:*"),
    Issuer("Codefresh", _host(r"oidc\.codefresh\.io"), EVERYONE, _sub(r"account:[^:*?]+:.*"),
        "every pipeline of every account in Codefresh", "sub: account:ID:*"),
    Issuer("Bitbucket", _host(r"api\.bitbucket\.org/2\.0/workspaces/.+"), MACHINES,
        _sub(r"\{?[0-9a-fA-F-]{8}.*"),
        "every pipeline of every repository of the Bitbucket workspace", "sub: {REPOSITORY UUID}:*"),
    Issuer("CircleCI", _host(r"oidc\.circleci\.com/org/.+"), MACHINES,
        _sub(r"org/[^/*?]+/project/[^/*?]+.*") | {"oidc.circleci.com/project-id": _ONE_VALUE},
        "every project of the CircleCI organization", "sub: org/ORGANIZATION/project/PROJECT/user/*"),
    Issuer("Amazon EKS",
        _host(r"oidc\.eks(?:-fips)?\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)/id/.+"),
        MACHINES, _sub(_SERVICE_ACCOUNT), _POD, _ACCOUNT_OF_POD),
    Issuer("a Kubernetes cluster",
        _host(r".*oic\.prod-aks\.azure\.com/.+|container\.googleapis\.com/v1/projects/.+"),
        MACHINES, _sub(_SERVICE_ACCOUNT), _POD, _ACCOUNT_OF_POD),
    Issuer("Azure DevOps", _host(r"vstoken\.dev\.azure\.com/.+"), MACHINES, _sub(r"sc://[^/*?]+/.*"),
        "every service connection of the Azure DevOps organization", "sub: sc://ORGANIZATION/PROJECT/CONNECTION"),
    Issuer("Spacelift", _host(r"[^/]+\.app\.(?:us\.)?spacelift\.io"), MACHINES, _sub(r"space:[^:*?]+:.*"),
        "every stack of the Spacelift account", "sub: space:SPACE:*"),
    Issuer("Cognito identity pools", _host(r"cognito-identity\.amazonaws\.com"), EVERYONE,
        {"aud": _ONE_VALUE, "sub": _ONE_VALUE}, "every user of every identity pool, of any AWS account",
        "aud: REGION:IDENTITY-POOL-ID"),
    Issuer("Google", _host(r"accounts\.google\.com"), EVERYONE,
        dict.fromkeys(("aud", "sub", "google/organization_number"), _ONE_VALUE),
        "everybody with a Google account or a service account of Google Cloud",
        "aud: CLIENT-ID, or sub: the id of the service account"),
    Issuer("Facebook", _host(r"graph\.facebook\.com"), EVERYONE, dict.fromkeys(("app_id", "id"), _ONE_VALUE),
        "everybody with a Facebook account, by any app", "app_id: APP-ID"),
    Issuer("Login with Amazon", _host(r"www\.amazon\.com"), EVERYONE,
        dict.fromkeys(("app_id", "user_id"), _ONE_VALUE),
        "everybody with an Amazon account, by any app", "app_id: APP-ID"),
    Issuer("Microsoft Entra ID", _host(r"sts\.windows\.net/.+|login\.microsoftonline\.com/.+"), PEOPLE,
        {"sub": _ANY_VALUE}, "every user and app of the Entra tenant", "sub: OBJECT-ID"),
    Issuer("Okta", _host(r".+\.okta(?:preview|-emea)?\.com(?:/.+)?"), PEOPLE, {"sub": _ANY_VALUE},
        "every user and app of the Okta organization", "sub: USER-ID"),
    Issuer("Auth0", _host(r".+\.auth0\.com/?"), PEOPLE, {"sub": _ANY_VALUE},
        "every user and app of the Auth0 tenant", "sub: USER-ID"),
    Issuer("a Cognito user pool", _host(r"cognito-idp\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/.+"), PEOPLE,
        {"sub": _ANY_VALUE},
        "every user of the user pool, and where it allows sign-up everybody", "sub: USER-ID"),
)  # fmt: skip
_UNKNOWN = Issuer(
    "", _host(".*"), PEOPLE, {"sub": _ANY_VALUE},
    "everybody to whom it gives a token for one of its audiences", "aud: CLIENT-ID, and sub: SUBJECT",
)  # fmt: skip


def issuer_of(provider: str) -> Issuer:
    """Return the issuer of an OIDC provider, given as ARN or as the name of a web identity provider."""
    path = provider_path(provider)
    return next((each for each in ISSUERS if each.host.fullmatch(path)), _UNKNOWN)


def provider_path(provider: str) -> str:
    """Return the address of an OIDC provider as its condition keys begin with it."""
    return provider.partition(":oidc-provider/")[2] or provider
