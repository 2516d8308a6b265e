"""Unmodified boto3 clients in a world, as any user of boto3 would make them."""

import json
from configparser import ConfigParser
from typing import Any

import boto3
from botocore.config import Config

from xacct_nb.sandbox.server.accounts import World


def client(
    world: World,
    service: str,
    who: Any = "destination-admin",
    attempts: int = 1,
    read_timeout: float = 60,
    region: str = "us-east-1",
    **more: Any,
) -> Any:
    """A client of a profile, or of the credentials that STS gave; `attempts` in botocore's standard mode."""
    key, secret, token = _credentials(who) if isinstance(who, dict) else _keys(world, who)
    return boto3.client(
        service,
        endpoint_url=world.endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            read_timeout=read_timeout,
            proxies={},
            **more,
        ),
    )


def policy(action: str, effect: str = "Allow", **rest: object) -> str:
    """A policy of one statement; without a resource or principal it is about all."""
    about = {} if rest.keys() & {"Resource", "Principal"} else {"Resource": "*"}
    statement = {"Effect": effect, "Action": action, **about, **rest}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(*principals: str, **rest: object) -> str:
    """A trust policy that allows these ARNs."""
    return policy("sts:AssumeRole", Principal={"AWS": list(principals)}, **rest)


def _keys(world: World, profile: str) -> tuple[str, str, None]:
    file = ConfigParser(interpolation=None)
    file.read(world.credentials_file)
    return file[profile]["aws_access_key_id"], file[profile]["aws_secret_access_key"], None


def _credentials(keys: dict[str, Any]) -> tuple[str, str, str]:
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
