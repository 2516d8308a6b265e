"""The table of forms, and the functions that make a form's text for the owner of an account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xacct_nb.errors import InvalidInput
from xacct_nb.handoff.forms import aws_cli, cloudformation, stackset, stackset_script, steps, terraform
from xacct_nb.handoff.forms.half import Half, half_of
from xacct_nb.handoff.forms.stackset import Roles
from xacct_nb.validation import nearest
from xacct_nb.views import Snippet

TextOf = Callable[[Roles, str, str], str]
"""(documents, side, account) -> the text of a form."""


@dataclass(frozen=True)
class OwnerForm:
    """One form: what it is, what makes a side of a grant and what removes it."""

    purpose: str
    make: TextOf
    remove: TextOf


def _of_one_account(write: Callable[[Half], str]) -> TextOf:
    def text(documents: Roles, side: str, account: str) -> str:
        if isinstance(documents, Sequence):
            raise InvalidInput(
                "Several grants do not fit into this form.",
                why="It is for one side of one grant, in one account.",
                hint="Call it for each grant, or use the form stackset.",
            )
        return write(half_of(documents, side, account))

    return text


def _of_every_account(write: Callable[[Sequence[Half]], str]) -> TextOf:
    return lambda documents, side, account: write(stackset.sides(documents, side, account))


def _form_of(purpose: str, write: Callable[[Half], str], remove: Callable[[Half], str]) -> OwnerForm:
    return OwnerForm(purpose, _of_one_account(write), _of_one_account(remove))


_DELETE_STACK_SET = _of_every_account(stackset_script.removal_commands)
FORMS = {
    "commands": _form_of("a bash script for the AWS CLI", aws_cli.commands, aws_cli.removal_commands),
    "cloudformation": _form_of(
        "a CloudFormation template", cloudformation.template, cloudformation.stack_deletion
    ),
    "terraform": _form_of("a Terraform configuration", terraform.configuration, terraform.destruction),
    "steps": _form_of("steps in AWS's console, in words", steps.steps, steps.removal_steps),
    "json": _form_of("the same steps as JSON", steps.steps_as_json, steps.steps_as_json),
    "stackset": OwnerForm(
        "a CloudFormation template for every account of an organization",
        _of_every_account(stackset.template),
        _DELETE_STACK_SET,
    ),
    "stackset-commands": OwnerForm(
        "a bash script that makes a stack set of it",
        _of_every_account(stackset_script.commands),
        _DELETE_STACK_SET,
    ),
}


def hand_over(documents: Roles, side: str, form: str, account: str = "") -> Snippet:
    """Return the text with which the owner of an account makes their side of a grant without this toolkit.

    `side` is source or destination, `form` a key of FORMS. `account` is the id of the owner's account; it may
    be left out where the side has one account, and the stack set of an organization has none. A grant may be
    given in place of its documents, also one whose external ID is a reference: no form has an external ID, it
    is a parameter of each. A stack set also takes several grants of one name, which have the roles of one
    account each. Raises InvalidInput.
    """
    return Snippet(_form(form).make(documents, side, account))


def take_back(documents: Roles, side: str, form: str, account: str = "") -> Snippet:
    """Return the text with which the owner removes what they made with the same form. Raises InvalidInput."""
    return Snippet(_form(form).remove(documents, side, account))


def _form(name: str) -> OwnerForm:
    if name not in FORMS:
        meant = f"Did you mean {found}? " if (found := nearest(name, FORMS)) else ""
        known = "; ".join(f"{each}: {form.purpose}" for each, form in FORMS.items())
        raise InvalidInput(
            f"There is no form {name!r}.",
            why=f"The forms are {', '.join(FORMS)}.",
            hint=f"{meant}Choose one of these. {known}.",
        )
    return FORMS[name]
