"""An administrator of the destination who may not do everything."""

import json

from support.examples import root_iam
from xacct_nb.sandbox.server.accounts import World


def restricted_admin(world: World, *denied: str) -> str:
    """Return the profile of a destination administrator who is denied some actions."""
    iam = root_iam(world, world.destination)
    iam.create_user(UserName="restricted")
    may = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    may += [{"Effect": "Deny", "Action": list(denied), "Resource": "*"}]  # type: ignore[dict-item]
    document = json.dumps({"Version": "2012-10-17", "Statement": may})
    iam.put_user_policy(UserName="restricted", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="restricted")["AccessKey"]
    world.config_file.write_text(
        f"{world.config_file.read_text()}\n[profile restricted]\nregion = us-east-1\n"
    )
    world.credentials_file.write_text(
        f"{world.credentials_file.read_text()}\n[restricted]\n"
        f"aws_access_key_id = {key['AccessKeyId']}\naws_secret_access_key = {key['SecretAccessKey']}\n"
    )
    return "restricted"
