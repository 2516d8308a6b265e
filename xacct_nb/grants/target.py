"""The Target of a fleet's grant: in which accounts its role is, and the role's name there."""

from pydantic import Field, StrictStr, model_validator

from xacct_nb.iam.arns import is_account_id
from xacct_nb.validation import StrictModel, require

ACCOUNT = "{account}"
"""What stands for the id of each destination account: in a role's name, in resources and policies."""


class Target(StrictModel):
    """In which accounts the role of a grant is, and its name there."""

    accounts: tuple[StrictStr, ...] = Field((), description="ids of destination accounts, 12 digits each")
    organization_units: tuple[StrictStr, ...] = Field(
        (), description="ids of organizational units, or of the root: all accounts below them"
    )
    tags: dict[StrictStr, StrictStr] = Field(
        {}, description="only accounts of the organization that have these tags"
    )
    except_accounts: tuple[StrictStr, ...] = Field((), description="ids of accounts that are left out")
    role: StrictStr = Field(description="name of the role in each account; {account} is the account's id")
    partition: StrictStr = Field("aws", description="partition of the destination accounts")

    @model_validator(mode="after")
    def _whole(self) -> "Target":
        for field in ("accounts", "except_accounts"):
            for account in getattr(self, field):
                require(
                    is_account_id(account),
                    f"{field}: {account!r} is not an account id.",
                    "It has 12 digits, also where the first ones are 0.",
                    "Write all 12 digits; in YAML in quotes, which reads a number otherwise.",
                )
        require(
            self.accounts or self.by_organization,
            "accounts: no destination account is named.",
            "Neither accounts nor organization_units nor tags say where the role is.",
            'Write accounts: ["222222222222"], or organization_units: [ou-ab12-11111111].',
        )
        return self

    @property
    def by_organization(self) -> bool:
        """Return whether the organization has to be read to know the accounts."""
        return bool(self.organization_units or self.tags)

    def role_arn(self, account: str) -> str:
        """Return the ARN of the role in an account."""
        return f"arn:{self.partition}:iam::{account}:role/{self.role.replace(ACCOUNT, account)}"
