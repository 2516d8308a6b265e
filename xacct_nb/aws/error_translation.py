"""Translates the errors of botocore into those of this package, once, where a call is made."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from xacct_nb.aws.clock import date_of, local_time
from xacct_nb.changes.clock_offset import describe_offset
from xacct_nb.errors import AwsRefused, ClockOff

_DENIED_HINT = (
    "Give the session this permission (docs/rights.md lists what each session needs), then run it again."
)


def text_of(problem: ClientError) -> str:
    """Return the text of an error as botocore words it, without the retries that it was not to make."""
    return str(problem).replace(" (reached max retries: 0)", "")


@contextmanager
def translate_errors(doing: str, denied_hint: str = _DENIED_HINT) -> Iterator[None]:
    """Translate botocore's errors into AwsRefused, with the original as its cause."""
    try:
        with clock_checked():
            yield
    except ClientError as problem:
        error, meta = problem.response.get("Error", {}), problem.response.get("ResponseMetadata", {})
        tries = f"It was tried {meta['RetryAttempts'] + 1} times." if meta.get("RetryAttempts") else ""
        request = f"The request has the id {meta['RequestId']}." if meta.get("RequestId") else ""
        raise AwsRefused(
            f"{doing}: AWS returned {error.get('Code')}: {error.get('Message')}",
            aws_code=str(error.get("Code")),
            why=" ".join(filter(None, (tries, request))),
            hint=denied_hint if error.get("Code") == "AccessDenied" else "",
            request_id=str(meta.get("RequestId", "")),
        ) from problem
    except (ResponseParserError, LookupError):  # the text of the first one quotes the response
        raise AwsRefused(
            f"{doing}: the endpoint returned something that is no response of AWS.",
            aws_code="ResponseParserError",
            why="It comes from a proxy, from the sign-in page of a network, or from another server.",
            hint="Check the network, the proxy (HTTPS_PROXY) and AWS_ENDPOINT_URL, then run it again.",
        ) from None
    except BotoCoreError as problem:
        raise AwsRefused(
            f"{doing}: {problem}",
            aws_code=type(problem).__name__,
            hint="Check the network and the endpoint, then run it again.",
        ) from problem


_CLOCK_CODES = ("RequestTimeTooSkewed", "RequestExpired")
_CLOCK_TEXTS = ("Signature expired", "Signature not yet current")


@contextmanager
def clock_checked() -> Iterator[None]:
    """Raise ClockOff where AWS refuses a signature for its time. botocore signs by this machine's clock."""
    try:
        yield
    except ClientError as problem:
        error = problem.response.get("Error", {})
        code, text = str(error.get("Code")), str(error.get("Message"))
        if code not in _CLOCK_CODES and not text.startswith(_CLOCK_TEXTS):
            raise
        date = date_of(problem.response)
        offset = describe_offset((date - local_time()).total_seconds()) if date else ""
        raise ClockOff(
            f"AWS refuses the signatures of this machine for their time. {offset}".rstrip(),
            why=f"AWS accepts requests of five minutes around its own time. It returned {code}: {text}",
            hint="Set the clock (timedatectl set-ntp true, or the system's settings), then run it again.",
            aws_code=code,
        ) from problem
