"""The table of forms, and the functions that make a form's text for the owner of an account."""

from collections.abc import Callable
from dataclasses import dataclass

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms import aws_cli, cloudformation, steps, terraform
from xacct_nb.handoff.forms.half import Half, half_of
from xacct_nb.validation import nearest
from xacct_nb.views import Snippet


@dataclass(frozen=True)
class OwnerForm:
    """One form: what it is, what makes a half and what removes it."""

    purpose: str
    make: Callable[[Half], str]
    remove: Callable[[Half], str]


FORMS = {
    "commands": OwnerForm("a bash script for the AWS CLI", aws_cli.commands, aws_cli.removal_commands),
    "cloudformation": OwnerForm(
        "a CloudFormation template", cloudformation.template, cloudformation.stack_deletion
    ),
    "terraform": OwnerForm("a Terraform configuration", terraform.configuration, terraform.destruction),
    "steps": OwnerForm("steps in AWS's console, in words", steps.steps, steps.removal_steps),
    "json": OwnerForm("the same steps as JSON", steps.steps_as_json, steps.steps_as_json),
}


def hand_over(documents: Documents | Grant, side: str, form: str, account: str = "") -> Snippet:
    """Return the text with which the owner of an account makes their side of a grant without this toolkit.

    `side` is source or destination, `form` a key of FORMS. `account` is the id of the owner's account; it may
    be left out where the side has one account. A grant may be given in place of its documents, also one whose
    external ID is a reference: no form has an external ID, it is a parameter of each. Raises InvalidInput.
    """
    return Snippet(_form(form).make(half_of(documents, side, account)))


def take_back(documents: Documents | Grant, side: str, form: str, account: str = "") -> Snippet:
    """Return the text with which the owner removes what they made with the same form. Raises InvalidInput."""
    return Snippet(_form(form).remove(half_of(documents, side, account)))


def _form(name: str) -> OwnerForm:
    if name not in FORMS:
        meant = f"Did you mean {found}? " if (found := nearest(name, FORMS)) else ""
        known = "; ".join(f"{each}: {form.purpose}" for each, form in FORMS.items())
        raise InvalidInput(
            f"There is no form {name!r}.",
            why=_LATER.get(name, f"The forms are {', '.join(FORMS)}."),
            hint=f"{meant}Choose one of these. {known}.",
        )
    return FORMS[name]


_LATER = {"stackset": "StackSets for all accounts of an organization are not among the forms yet."}
