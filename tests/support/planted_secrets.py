"""Secrets planted in a notebook: the cells that show them in every way, and the forms to look for."""

import base64
import html
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

EXTERNAL_ID = "a-Secret.that/nobody:may=see,1"
KEY_ID, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

PARAMETERS = """
name: str = "reports"  # grant
sources: list = []  # who
destinations: list = []  # roles
conditions: dict = {}  # when
sandbox: bool = False  # place
source_profiles: list = ["source-admin"]  # who administers the source
destination_profiles: list = ["destination-admin"]  # who administers the destination
caller_profiles: list = ["alice"]  # who calls
planted: str = ""  # where the secrets are noted that the run gets to know
"""
BEGIN = """
import base64, html, json, logging, os, pathlib, sys, time, urllib.parse, boto3
import xacct_nb as xa
run = xa.start_run("planted", globals())
grant = run.grant()
sessions = run.open_sessions(grant)
"""
LEARN = """
mine = sessions.client("alice", "sts").get_session_token()["Credentials"]
other = boto3.Session(profile_name="mallory").client("sts").get_session_token()["Credentials"]
signing = boto3.Session(profile_name="alice").get_credentials().secret_key
given = [each[name] for each in (mine, other) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
external = grant.conditions.external_id.get_secret_value()
secrets = [external, signing, *given]
pathlib.Path(planted).write_text(json.dumps(secrets))
"""
PRINT = """
for each in secrets:
    print(each, repr(each), each.encode(), {each: [each]}, json.dumps({each: [json.dumps([each])]}))
    print(html.escape(each), urllib.parse.quote(each, safe=""), file=sys.stderr)
    print(base64.b64encode(each.encode()), base64.urlsafe_b64encode(each.encode()), each.encode().hex())
    print(*(base64.b64encode(text.encode()) for text in (json.dumps({"a": each}), f"user:{each}")))
"""
BREAK = """
for each in (external, signing, other["SessionToken"]):
    print(each[:11] + "\\x1b[31m" + each[11:17] + "\\x1b[0m" + each[17:])
    print(each[:12] + "\\n" + each[12:])
    print(each[:13], end="", flush=True)
    time.sleep(0.3)
    print(each[13:])
"""
SHOW = """
from IPython.display import HTML, JSON, SVG, Javascript, Latex, Markdown, display
for each in secrets:
    display(HTML(f"<b title='{each}'>{each}</b>"), JSON({each: [{"deep": each}]}), Latex(f"${each}$"))
    display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg'><text>{each}</text></svg>"), Markdown(f"`{each}`"))
    display(Javascript(f"console.log('{each}')"), metadata={"note": each})
    display({"application/vnd.own+json": {each: [each]}, "text/plain": each}, raw=True)
"""
BUILD = """
import ipywidgets
display(*(kind(value=each) for each in secrets for kind in (ipywidgets.Text, ipywidgets.Password)))
ipywidgets.HTML(value=external)
"""
LOG = """
logging.basicConfig(level=logging.DEBUG, force=True)
boto3.set_stream_logger("", logging.DEBUG)
signed = boto3.Session(profile_name="alice").client("sts").get_session_token()["Credentials"]
names = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
entered = dict(zip(names, signed.values()))
boto3.Session(profile_name="mallory").client("sts", **entered).get_caller_identity()
pathlib.Path(planted).write_text(json.dumps([*secrets, *entered.values()]))
"""
LEAVE = """
os.system(f"echo {signing}; echo {external} >&2")
os.write(1, f"{signing}\\n".encode())
sys.__stderr__.write(f"{external}\\n")
"""
FAIL = """
try:
    xa.load_grant(f"/nowhere/{external}")
except Exception as problem:
    run.note_cell("one", problem)
    raise ValueError(f"It is {external}, {signing} and {mine!r}!") from problem
"""
DIE = "time.sleep(0.5); os.kill(os.getpid(), 9)"


def notebook(path: Path, *cells: str) -> str:
    """Writes a notebook of these cells, with secrets in all that is not code, and gives its path."""
    named = f'aws_access_key_id = {KEY_ID}\naws_secret_access_key = "{SECRET_KEY}"'
    prose = {
        "cell_type": "markdown",
        "id": "prose",
        "metadata": {"note": [EXTERNAL_ID], EXTERNAL_ID: {"SecretAccessKey": SECRET_KEY}},
        "source": f"# It is {EXTERNAL_ID}\n\n{named}\n\n{KEY_ID},{SECRET_KEY}",
        "attachments": {"a.txt": {"text/plain": EXTERNAL_ID, "image/png": _base64(EXTERNAL_ID.encode())}},
    }
    raw = {"cell_type": "raw", "id": "raw", "metadata": {}, "source": EXTERNAL_ID}
    widget = {"model_name": "PasswordModel", "state": {"value": EXTERNAL_ID, "password": "correct-horse"}}
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"1": widget}}},
        "own": {EXTERNAL_ID: [f"https://ada:correct-horse@host/{EXTERNAL_ID}"]},
    }
    first, *rest = (_code(number, source) for number, source in enumerate(cells))
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [first, prose, raw, *rest]}
    path.write_text(json.dumps(content))
    return str(path)


def _code(number: int, source: str) -> dict[str, Any]:
    tags = {"tags": ["parameters"]} if number == 0 else {}
    around = {"execution_count": None, "outputs": [], "metadata": tags}
    return {"cell_type": "code", "id": f"cell-{number}", "source": source.strip(), **around}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "HTML": html.escape,
    "URL": lambda secret: quote(secret, safe=""),
    "base64": lambda secret: _base64(secret.encode()),
    "base64 in JSON": lambda secret: _base64(json.dumps({"a": secret}).encode()),
    "base64 after a name": lambda secret: _base64(f"user:{secret}".encode()),
    "hexadecimal": lambda secret: secret.encode().hex(),
}


def found(secrets: Iterable[str], places: dict[str, bytes]) -> list[str]:
    """Where a secret is in what was written, and in which form: no colours, breaks or borders hide it."""
    return [
        f"{place}: {secret[:4]}... ({form})"
        for place, data in places.items()
        for text in (data.decode(errors="replace"),)
        for thin in (re.sub(r"(?:\x1b|\\u001b)\[[0-9;]*m|\\n\",\s*\"|\\n|\n", "", text),)
        for secret in secrets
        for form, write in FORMS.items()
        if (sought := _inside(form, write(secret))) in text or sought in thin
    ]


def _inside(form: str, text: str) -> str:
    """Without the letters of base64 that depend on the text beside the secret."""
    return text[8:-8] if form.startswith("base64") else text


def streams(executed: dict[str, Any]) -> dict[str, bytes]:
    """What the cells wrote to each stream, as one text."""
    texts: dict[str, str] = {}
    for number, cell in enumerate(executed["cells"]):
        for output in cell.get("outputs", ()):
            place = f"{output.get('name')} of cell {number}"
            texts[place] = texts.get(place, "") + "".join(output.get("text", ""))
    return {place: text.encode() for place, text in texts.items()}


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
