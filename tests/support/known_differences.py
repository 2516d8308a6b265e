"""Where MiniStack's own evaluator differs from AWS's documentation: each point names the page.

A question is the arguments of `evaluate`; each function returns whether its point is about a question.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.iam.canonical import as_list

Question = Mapping[str, Any]


def root_user(question: Question) -> bool:
    """The root user cannot assume a role, and what a resource's policy denies is denied to it.

    API_AssumeRole, reference_policies_evaluation-logic.
    """
    return question["principal"].endswith(":root") and bool(question["resource_policy"])


def variables(question: Question) -> bool:
    """A `${...}` in a policy of version 2012-10-17 is a variable. reference_policies_variables."""
    return any(
        "${" in str(document) and document.get("Version") == "2012-10-17" for document in documents(question)
    )


def session_principal_arn(question: Question) -> bool:
    """aws:PrincipalArn of a session is the ARN of its role. reference_policies_condition-keys."""
    return ":assumed-role/" in question["principal"] and any(
        key.lower() == "aws:principalarn" for _, key, _ in conditions(question)
    )


def not_principal(question: Question) -> bool:
    """NotPrincipal names whom a Deny leaves out. reference_policies_elements_notprincipal."""
    return any("NotPrincipal" in statement for statement in statements(question))


def dates(question: Question) -> bool:
    """A year, or a year and a month, is a date. reference_policies_elements_condition_operators."""
    return any(
        "Date" in operator and len(str(value)) in (4, 7)
        for operator, _, values in conditions(question)
        for value in as_list(values)
    )


def keys_of_s3(question: Question) -> bool:
    """A request to another service has no key of S3. reference_policies_condition-keys, list_amazons3."""
    return not question["action"].startswith("s3:") and any(
        key.lower() == "s3:resourceaccount" for _, key, _ in conditions(question)
    )


def short_resources(question: Question) -> bool:
    """AWS completes a Resource of fewer than six parts, and a * within a part stays in it.

    reference_policies_elements_resource.
    """
    return any(
        pattern.count(":") in range(1, 5)
        for statement in statements(question)
        for element in ("Resource", "NotResource")
        for pattern in as_list(statement.get(element, []))
    )


def names_in_another_case(question: Question) -> bool:
    """The ARN of a principal is case-sensitive. reference_policies_elements_principal."""
    caller = question["principal"]
    return any(name != caller and name.lower() == caller.lower() for name in principals(question))


def everybody(question: Question) -> bool:
    """A `*` names a user or session itself, which no boundary or session policy limits within its account.

    reference_policies_elements_principal (IAM role principals), reference_policies_evaluation-logic.
    """
    limited = question["permissions_boundaries"] or question["session_policies"]
    return bool(limited) and "*" in principals(question)


def short_arns(question: Question) -> bool:
    """ArnEquals and ArnLike compare each of the six parts of an ARN; a value of fewer parts matches nothing.

    reference_policies_elements_condition_operators.
    """
    return any(
        "Arn" in operator and str(value).count(":") < 5
        for operator, _, values in conditions(question)
        for value in as_list(values)
    )


def negated_numbers(question: Question) -> bool:
    """NumericNotEquals and DateNotEquals hold for a value that is not a number or a date, as a negation does.

    reference_policies_elements_condition_operators.
    """
    operators = {
        operator.rpartition(":")[2].removesuffix("IfExists") for operator, *_ in conditions(question)
    }
    return bool(operators & {"NumericNotEquals", "DateNotEquals"})


DIFFERENCES = (
    root_user,
    variables,
    session_principal_arn,
    not_principal,
    dates,
    keys_of_s3,
    short_resources,
    names_in_another_case,
    everybody,
    negated_numbers,
    short_arns,
)


def documents(question: Question) -> Iterator[Mapping[str, Any]]:
    """All policies of a question."""
    for name in ("identity_policies", "permissions_boundaries", "session_policies"):
        yield from question[name] or ()
    if question["resource_policy"]:
        yield question["resource_policy"]


def statements(question: Question) -> Iterator[Mapping[str, Any]]:
    """All statements of a question."""
    for document in documents(question):
        yield from as_list(document["Statement"])


def principals(question: Question) -> Iterator[str]:
    """Every AWS principal that the resource's policy names."""
    for statement in statements(question):
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element, {})
            yield from as_list(named.get("AWS", [])) if isinstance(named, dict) else [named]


def conditions(question: Question) -> Iterator[tuple[str, str, Any]]:
    """Operator, key and values of every condition of a question."""
    for statement in statements(question):
        for operator, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                yield operator, key, values
