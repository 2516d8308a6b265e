"""Secrets that no run is told of, in every notation; cells that let them out in every way; the search."""

import html
import json
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.planted_secrets import FORMS, found

CASES = Path(__file__).parents[1] / "cases"
LETTERS = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
# How tokens of these kinds begin, and how many letters follow.
TOKENS = {
    "ghp_": 36, "gho_": 36, "ghs_": 36, "github_pat_": 82, "glpat-": 20, "xoxb-1234567890-": 24, "npm_": 36,
    "pypi-AgEI": 80, "sk-proj-1": 48, "sk-ant-api03-": 60, "sk_live_": 24, "hvs.": 30, "AIza": 35,
    "aB38Q~": 34, "GOCSPX-": 28, "ya29.": 60, "dckr_pat_": 27, "ABSK": 128, "aoaA": 100, "IQoJb3JpZ2lu": 300,
    "FwoGZX": 300, "bedrock-api-key-": 200,
}  # fmt: skip
# Names of many kinds; external IDs and codes have values of their own kind.
NAMES = (
    "DB_PASSWORD", "GITHUB_TOKEN", "ApiKey", "aws_secret_access_key", "SessionToken", "clientSecret",
    "VAULT_TOKEN", "TF_VAR_db_password", "external_id", "ExternalId", "TokenCode", "passphrase", "mfa_seed",
    "SharedAccessKey",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """Texts with secrets in them, the secrets, and variables whose values the run knows."""

    texts: tuple[str, ...]
    secrets: tuple[str, ...]
    variables: dict[str, str]


def plant(seed: object, notations: int) -> Planted:
    """Secrets drawn from a seed: each notation so often, each token once, one variable of each name."""
    drawn = random.Random(str(seed))
    forms = json.loads((CASES / "secret_forms.json").read_text())
    pairs = [_in_notation(drawn, each) for each in forms["notations"] for _ in range(notations)]
    pairs += [_in_words(drawn, start, length) for start, length in TOKENS.items()]
    pairs += [(text.replace("VALUE", secret), secret) for text, secret in forms["texts"]]
    names = json.loads((CASES / "credential_names.json").read_text())["credential"]
    variables = {name: _letters(drawn, 24) for name in names if name.replace("_", "").isalnum()}
    unsearchable = {secret for _, secret in pairs if len(secret) < 6}
    secrets = {secret for _, secret in pairs} - unsearchable
    return Planted(tuple(text for text, _ in pairs), tuple(sorted(secrets)), variables)


def _in_notation(drawn: random.Random, notation: str) -> tuple[str, str]:
    name = drawn.choice(NAMES)
    secret = str(drawn.randrange(10**5, 10**6)) if name == "TokenCode" else _letters(drawn, 12, "-._~+/")
    secret = "".join(drawn.choices(BASE32, k=15)) + "7" if name == "mfa_seed" else secret
    option = name.lower().replace("_", "-")
    return notation.replace("NAME", name).replace("OPTION", option).replace("VALUE", secret), secret


def _in_words(drawn: random.Random, start: str, length: int) -> tuple[str, str]:
    secret = start + _letters(drawn, length - 3)
    return drawn.choice(["{}", "it is {}.", '"{}"', "a={}&b", "x\n{}\ny", "<b>{}</b>"]).format(secret), secret


def _letters(drawn: random.Random, count: int, more: str = "") -> str:
    return "a7" + "".join(drawn.choices(LETTERS + more, k=count)) + "Z"


WAYS = """
nested = [write(text) for text in texts for write in (repr, json.dumps, html.escape)]
"""
STREAMS = """
for text in (*texts, *nested):
    print(text)
    print(text, file=sys.stderr)
print({"a": texts}, json.dumps({"deep": [texts]}))
print(*known, *(write(each) for each in known for write in (repr, html.escape)))
print(*(base64.b64encode(each.encode()) for each in known), *(each.encode().hex() for each in known))
"""
DESCRIPTORS = """
for text in (*texts, *nested):
    sys.__stderr__.write(text + "\\n")
    os.write(1, (text + "\\n").encode())
"""
LEVELS = """
logging.basicConfig(level=1, force=True)
boto3.set_stream_logger("", 1)
for level in (1, 10, 20, 30, 40, 50):
    logging.getLogger(f"of.level.{level}").log(level, "%s", level)
for text in texts:
    logging.debug("it is %s", text)
    logging.getLogger("botocore.parsers").critical("%r", {"body": text})
    warnings.warn(text)
logging.warning("%s", known)
"""
SHOWN = """
from IPython.display import HTML, JSON, SVG, Latex, Markdown, Pretty, display, update_display
for number, text in enumerate(texts[::2]):
    display(HTML(f"<pre>{html.escape(text)}</pre>"), Markdown(f"    {text}"), Pretty(f" {text}"))
    display(JSON({"text": [text]}))
    display({"application/vnd.own+json": {"a": [text]}, "text/plain": text}, raw=True, display_id=str(number))
update_display(Latex(texts[0]), display_id="0")
display(*map(HTML, known))
"""
WIDGETS = """
import ipywidgets
kinds = ipywidgets.Text, ipywidgets.HTML, ipywidgets.Textarea
display(*(kind(value=text) for text in texts[1::4] for kind in kinds))
"""
KEPT = """
for text in texts:
    run.evidence.add("error", {"what": text, "why": [text], text: {"hint": text}})
"""
RAISED = """
try:
    try:
        raise KeyError(texts)
    except KeyError as problem:
        problem.add_note("\\n".join(texts))
        traceback.print_exc()
        raise xa.errors.InvalidInput("\\n".join(texts), why=texts[0], hint=str(known)) from problem
except xa.errors.InvalidInput as problem:
    run.note_cell("one", problem)
    raise ExceptionGroup("\\n".join(texts), [problem, ValueError(*nested)]) from problem
"""
LOADED = """
import base64, html, json, logging, os, pathlib, sys, traceback, warnings, boto3
import xacct_nb as xa
run = xa.start_run("planted", globals())
given = json.loads(pathlib.Path(planted).read_text())
texts, known = given["texts"], given["known"]
"""


def places(folders: Iterable[Path], apart: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below the folders but those of `apart`, and every name of a file, as bytes."""
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and apart not in path.parents:
                yield str(path), path.read_bytes()
        yield f"names in {folder}", "\n".join(map(str, folder.rglob("*"))).encode()


def leaks(planted: Planted, written: dict[str, bytes]) -> list[str]:
    """Where a secret stands in what was written: one that the run knew in every form, others as escaped."""
    return [*_plain(planted.secrets, written), *found(planted.variables.values(), written)]


def _plain(secrets: Iterable[str], written: dict[str, bytes]) -> Iterator[str]:
    forms = {
        secret: {secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret, safe="")}
        for secret in secrets
    }
    for place, data in written.items():
        text = data.decode(errors="replace")
        for secret, ways in forms.items():
            if any(way in text for way in ways):
                at = next(text.index(way) for way in ways if way in text)
                yield f"{place}: {secret} in {text[max(0, at - 60) : at + 40]!r}"


def summary(planted: Planted, written: dict[str, bytes], leaked: list[Any]) -> str:
    """The line that says what was searched."""
    count = len(planted.secrets) + len(planted.variables)
    size = sum(map(len, written.values()))
    return f"{len(leaked)} of {count} secrets found in {size:,} bytes ({len(FORMS)} forms)"
