"""Rules on federation: who outside gets in by the trust in an identity provider, or nobody does."""

import re
from collections.abc import Iterator

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import TRUST
from xacct_nb.linting.rules.issuers import EVERYONE, MACHINES, PEOPLE, Issuer, issuer_of, provider_path
from xacct_nb.linting.rules.requests import is_denied, samples
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import Clause, LintStatement

_WEB, _SAML = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"
_COGNITO = "cognito-identity.amazonaws.com"
_WEB_PROVIDERS = (_COGNITO, "accounts.google.com", "graph.facebook.com", "www.amazon.com")
_POOL = re.compile(r"[a-z]{2}(-[a-z]+)+-\d:[0-9a-fA-F-]{36}|.*[*?$].*")
# Where AWS receives SAML assertions: the general address, a Region's, and one for encrypted assertions.
_SIGN_IN = re.compile(
    r"https://(?:[a-z0-9*-]+\.)?signin\.(?:aws\.amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com"
    r"|amazonaws-eusc\.eu|[a-z0-9.-]+\.(?:gov|eu|uk))/(?:platform/)?saml(?:/.*)?",
    re.IGNORECASE,
)
_CLAIM_PREFIX = re.compile(r"^(?:[a-z_]+:)+")
_X509 = ("aws:principaltag/x509", "aws:requesttag/x509")
_ANYWHERE = "rolesanywhere.amazonaws.com"
_ANYWHERE_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def web_providers(statement: LintStatement) -> Iterator[tuple[str, Issuer]]:
    """Yield the OIDC providers that a statement lets in, each with its issuer."""
    if statement.allows and statement.covers_action(_WEB):
        for provider in statement.principals("Federated"):
            if ":oidc-provider/" in provider or provider in _WEB_PROVIDERS:
                yield provider, issuer_of(provider)


def _claims(statement: LintStatement, provider: str) -> Iterator[tuple[str, Clause]]:
    """Yield the straight conditions on claims of a provider, each with the name of the claim."""
    front = f"{provider_path(provider).lower()}:"
    for clause in statement.clauses:
        # A token always has these claims, so IfExists and ForAllValues let nobody else in.
        if clause.key.startswith(front) and not clause.is_negated and clause.operator != "null":
            yield clause.key.removeprefix(front), clause


def _names_owner(clause: Clause, claim: str, issuer: Issuer) -> bool:
    """Return whether every value of a condition names an owner; a wildcard as text matches nobody at all."""
    form = issuer.claims.get(claim)
    if form is None or not clause.values:
        return False
    as_text = clause.plain in ("stringequals", "stringequalsignorecase")
    return all(form.fullmatch(value) or (as_text and {"*", "?"} & set(value)) for value in clause.values)


def _limited(statement: LintStatement, provider: str, issuer: Issuer) -> bool:
    """Return whether a condition names an owner, or the policy keeps strangers' tokens out otherwise."""
    if any(_names_owner(clause, claim, issuer) for claim, clause in _claims(statement, provider)):
        return True
    # With a provider or a claim that does not exist, nobody gets in.
    unread = (clause for claim, clause in _claims(statement, provider) if not issuer.reads(claim))
    if any(clause.needs_key for clause in (*_of_others(statement, provider), *unread)):
        return True
    if any(_elsewhere(statement)) or any(_with_scheme(statement)):
        return True
    front = provider_path(provider).lower()
    keys = {f"{front}:sub": "stranger", f"{front}:aud": "stranger", **samples(statement.clauses)}
    return is_denied(statement.subject, provider, _WEB, keys)


def _open(serves: str) -> Find[LintStatement]:
    """Report the providers of this kind whose tokens are accepted whoever their owner is."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        for provider, issuer in web_providers(statement):
            if issuer.serves == serves and not _limited(statement, provider, issuer):
                unlimited = not any(True for _ in _claims(statement, provider))
                if serves != PEOPLE or unlimited:
                    who = _matching(statement, provider, issuer) or issuer.anybody
                    yield statement.location("Principal", provider), f"{who}|{issuer.example}"

    return find


def _matching(statement: LintStatement, provider: str, issuer: Issuer) -> str:
    """Return who gets in by a pattern that names an owner in part, "" where there is none."""
    for claim, clause in _claims(statement, provider):
        literal = [_CLAIM_PREFIX.sub("", value).strip("*?:/") for value in clause.values]
        if claim in issuer.claims and literal and all(literal):
            return f"everybody there whose {claim} matches {summarize(clause.values)}"
    return ""


def _decides(statement: LintStatement) -> Iterator[Hit]:
    """Find providers whose own rules alone decide who of their people gets in."""
    for provider, issuer in web_providers(statement):
        claims = [claim for claim, _ in _claims(statement, provider)]
        if issuer.serves == PEOPLE and issuer.name and claims and not _limited(statement, provider, issuer):
            yield statement.location("Principal", provider), issuer.anybody
    for provider in () if any(_audience(statement)) else _saml_providers(statement):
        if not any(each.key.startswith("saml:") and each.key != "saml:aud" for each in statement.clauses):
            yield (
                statement.location("Principal", provider),
                "everybody for whom it names this role in an assertion",
            )


def _saml_providers(statement: LintStatement) -> Iterator[str]:
    if statement.allows and statement.covers_action(_SAML):
        yield from (each for each in statement.principals("Federated") if ":saml-provider/" in each)


def _guests(named: bool) -> Find[LintStatement]:
    """Report identity pools whose guests get in: amr names them, or nothing keeps them out."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        if any(provider == _COGNITO for provider, _ in web_providers(statement)):
            clauses = [clause for claim, clause in _claims(statement, _COGNITO) if claim == "amr"]
            values = [value for clause in clauses for value in clause.values]
            pool = any(claim == "aud" for claim, _ in _claims(statement, _COGNITO))
            if pool and named is bool(clauses) and (not clauses or any(map(_is_guest, values))):
                yield statement.location("Principal", _COGNITO), ""

    return find


def _is_guest(value: str) -> bool:
    return value == "unauthenticated" or bool({"*", "?"} & set(value) and value[:1] in "*?u")


def _foreign(statement: LintStatement) -> Iterator[Clause]:
    """Yield the conditions on a claim that no token of the statement's providers has."""
    paths = [provider_path(each).lower() for each in statement.principals("Federated")]
    saml = any(":saml-provider/" in path for path in paths)
    for clause in statement.clauses if statement.allows else ():
        own = clause.key.startswith(tuple(f"{path}:" for path in paths))
        if _is_claim(clause.key, paths) and not own and not (saml and clause.key.startswith("saml:")):
            yield clause


def _of_others(statement: LintStatement, provider: str) -> Iterator[Clause]:
    """Yield the conditions on claims that a token of this provider does not have."""
    path = provider_path(provider).lower()
    for clause in statement.clauses:
        if _is_claim(clause.key, [path]) and not clause.key.startswith(f"{path}:"):
            yield clause


def needs_foreign_claim(statement: LintStatement) -> bool:
    """Return whether the statement demands a claim that no token of its providers has."""
    return any(clause.needs_key for clause in _foreign(statement))


def _foreign_claim(statement: LintStatement) -> Iterator[Hit]:
    paths = [provider_path(each) for each in statement.principals("Federated")]
    for clause in _foreign(statement):
        near = next((path for path in paths if path.rstrip("/").lower() in clause.key), "")
        claim = clause.written.rpartition(":")[2]
        claim = claim if claim.lower() in ("aud", "sub", "amr", "oaud") else "sub"
        better = (
            f"Write {near}:{claim}." if near else "Name this provider as principal, or remove the condition."
        )
        yield _at(statement, clause), f"{clause.written}|{better}"


def _is_claim(key: str, paths: list[str]) -> bool:
    """Return whether a condition key is named after an identity provider, or meant to be."""
    front = key.partition(":")[0]
    return front in ("saml", "https") or "." in front or key in paths


def _unread_claim(statement: LintStatement) -> Iterator[Hit]:
    for provider, issuer in web_providers(statement):
        for claim, clause in _claims(statement, provider):
            if not issuer.reads(claim):
                yield statement.location("Condition", clause.written), claim


def _elsewhere(statement: LintStatement) -> Iterator[Hit]:
    own = statement.subject.arn.split(":")[4] if statement.subject.arn.count(":") >= 5 else ""
    for provider in statement.principals("Federated"):
        account = provider.split(":")[4] if provider.count(":") >= 5 else ""
        if statement.allows and own and account and account != own:
            yield statement.location("Principal", provider), account


def _with_scheme(statement: LintStatement) -> Iterator[Hit]:
    for provider in statement.principals("Federated"):
        path = provider_path(provider)
        if "://" in path:
            yield statement.location("Principal", provider), path.partition("://")[2]


def _other_protocol(statement: LintStatement) -> Iterator[Hit]:
    """Find OIDC providers with the action of SAML only, and the reverse."""
    for provider in statement.principals("Federated") if statement.allows else ():
        wanted, other = (_SAML, _WEB) if ":saml-provider/" in provider else (_WEB, _SAML)
        if statement.covers_action(other) and not statement.covers_action(wanted):
            yield statement.location("Action"), f"{provider}|{wanted}"


def _audience(statement: LintStatement) -> Iterator[Hit]:
    """Find audiences that no assertion or token of this kind has."""
    for clause in statement.on("saml:aud"):
        wrong = [value for value in clause.values if not _SIGN_IN.fullmatch(value)]
        if statement.allows and clause.needs_key and wrong and len(wrong) == len(clause.values):
            yield _at(statement, clause), f"{summarize(wrong)}|https://signin.aws.amazon.com/saml"
    for clause in statement.on(f"{_COGNITO}:aud"):
        wrong = [value for value in clause.values if not _POOL.fullmatch(value)]
        if statement.allows and clause.needs_key and wrong and len(wrong) == len(clause.values):
            yield _at(statement, clause), f"{summarize(wrong)}|the id of the identity pool, REGION:UUID"


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


def _without_audience(statement: LintStatement) -> Iterator[Hit]:
    for provider in _saml_providers(statement):
        if not statement.on("saml:aud"):
            yield statement.location("Principal", provider), ""


def _any_certificate(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and _ANYWHERE in statement.principals("Service"):
        limits = [each for each in statement.clauses if each.needs_key and any(map(_is_literal, each.values))]
        subject = any(each.key.startswith(_X509) or each.key == "sts:sourceidentity" for each in limits)
        anchor = any(each.key == "aws:sourcearn" for each in limits)
        if not subject and not anchor:
            yield statement.location("Principal", _ANYWHERE), ""


def _is_literal(value: str) -> bool:
    """Return whether a value is more than wildcards, and the ARN of a trust anchor names one."""
    return bool(value.rpartition("/")[2].strip("*?")) and bool(value.strip("*?"))


def _anywhere_actions(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and _ANYWHERE in statement.principals("Service"):
        together = [each for each in statement.subject.statements if each.allows]
        missing = [
            action
            for action in _ANYWHERE_ACTIONS
            if not any(
                _ANYWHERE in each.principals("Service") and each.covers_action(action) for each in together
            )
        ]
        if missing:
            yield statement.location("Action"), summarize(missing)


FEDERATION_RULES = (
    Rule("federation-for-everyone", WIDENS, _open(EVERYONE), (TRUST,),
        why="The issuer serves everybody, and no condition names your own: {it} gets in.",
        mend="Add a condition on {more}."),
    Rule("federation-for-every-machine", WIDENS, _open(MACHINES), (TRUST,),
        why="No condition names who may get in: {it} gets in.",
        mend="Add a condition on {more}."),
    Rule("federation-without-condition", WIDENS, _open(PEOPLE), (TRUST,),
        why="There is no condition on the token: {it} gets in.",
        mend="Add conditions on {more}."),
    Rule("provider-decides", NOTE, _decides, (TRUST,),
        why="The identity provider alone decides who: {it} gets in.",
        mend="Check who is assigned there; to limit it here, compare sub, or SAML:sub for SAML."),
    Rule("guests-not-excluded", WIDENS, _guests(named=False), (TRUST,),
        why="No condition is on amr: where the identity pool allows guests, everybody gets in.",
        mend='Add "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"}.'),
    Rule("guests-trusted", NOTE, _guests(named=True), (TRUST,),
        why="It is for guests: everybody who knows the identity pool gets in, without signing in.",
        mend="Keep the permissions of this role to what is public."),
    Rule("claim-of-another-provider", WARNING, _foreign_claim, (TRUST,),
        why="{it} is no claim of the provider that the statement names, so no token of it has the key.",
        mend="{more}"),
    Rule("claim-not-read", WARNING, _unread_claim, (TRUST,),
        why="AWS does not read the claim {it} of this issuer, so the key is absent from every request.",
        mend="Use sub; the issuer's settings may put further claims into it."),
    Rule("provider-elsewhere", WARNING, _elsewhere, (TRUST,),
        why="The provider is in account {it}: a role trusts only identity providers of its own account.",
        mend="Create the provider in the role's account, and name that one."),
    Rule("provider-with-scheme", WARNING, _with_scheme, (TRUST,),
        why="The ARN of a provider, and its condition keys, have no https://; IAM has no such provider.",
        mend="Write oidc-provider/{it}."),
    Rule("protocol-of-another-provider", WARNING, _other_protocol, (TRUST,),
        why="{it} cannot call this action, so the statement gives no access.",
        mend="Allow {more}."),
    Rule("audience-never-matches", WARNING, _audience, (TRUST,),
        why="{it} is never the audience of such a token, so nobody gets in.",
        mend="Write {more}."),
    Rule("saml-without-audience", NOTE, _without_audience, (TRUST,),
        why="SAML:aud is not compared: an assertion for any of AWS's sign-in addresses counts.",
        mend='Add "StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}.'),
    Rule("any-certificate", WIDENS, _any_certificate, (TRUST,),
        why="Every holder of a certificate of any trust anchor of the account gets in.",
        mend="Compare aws:PrincipalTag/x509Subject/CN (or OU), and aws:SourceArn with the trust anchor."),
    Rule("roles-anywhere-actions", WARNING, _anywhere_actions, (TRUST,),
        why="Roles Anywhere needs {it} too, so it cannot assume the role.",
        mend="Add {it} to the actions."),
)  # fmt: skip
