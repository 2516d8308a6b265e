"""Every cause for which the session of an assumed role is denied an action, with its fix."""

import json

from support.denial_stage import Broken, Stage, allow

GET, KEY = "s3:GetObject", "2026/summary.csv"


def objects(on: Stage) -> str:
    return f"arn:aws:s3:::{on.world.bucket}/*"


def bounded(on: Stage) -> None:
    arn = on.managed("bound", allow("s3:ListBucket", "*"), side="destination")
    on.destination_iam.put_role_permissions_boundary(RoleName="reader", PermissionsBoundary=arn)


def narrowed(on: Stage) -> None:
    on.parameters = {"Policy": allow("s3:ListBucket", "*")}


def bucket_denies(on: Stage) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": GET, "Resource": objects(on)}
    on.root("s3", on.world.destination).put_bucket_policy(
        Bucket=on.world.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )


TABLE = (
    Broken("role-without-permission", "I1", lambda on: on.permit(allow("s3:ListBucket", "*"))),
    Broken("role-deny", "I1", lambda on: on.permit(allow(GET, "*", "Deny"), "no-reading")),
    Broken("role-boundary", "I2", bounded),
    Broken("session-policy", "I3", narrowed),
    Broken("resource-policy", "I4", bucket_denies),
    Broken("permission-condition", "I5",
           lambda on: on.permit(allow(GET, objects(on), Bool={"aws:MultiFactorAuthPresent": "true"})),
           lambda on: on.permit(allow(GET, objects(on)))),
)  # fmt: skip
