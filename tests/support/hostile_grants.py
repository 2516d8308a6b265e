"""Grants whose fields are full of what shells, HCL, CloudFormation and JSON give a meaning to."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from support.examples import ALICE, ROLE, a_grant
from xacct_nb.grants.documents import Documents, build
from xacct_nb.grants.grant import Grant

TEXTS = {
    "command substitution": "$(touch canary)",
    "backticks": "`touch canary`",
    "single quote": "'; touch canary; '",
    "double quote": '"; touch canary; "',
    "semicolon": "; touch canary",
    "ampersand": "&& touch canary &",
    "pipe": "| touch canary",
    "redirection": "> canary < canary >> canary",
    "variable": "$HOME ${HOME} $account ${work} $$ $0 $@ $!",
    "the script's own": '$XACCT_EXTERNAL_ID "$work/x" $answer',
    "heredoc": "\nEND_OF_DOCUMENT\ntouch canary\n",
    "heredoc in JSON": '"\nEND_OF_DOCUMENT\ntouch canary\ncat <<END_OF_DOCUMENT\n',
    "line feed": "a\ntouch canary\nb",
    "comment": "# a\n# b",
    "return": "a\rtouch canary\r\n",
    "backslash": "a\\'b\\\"c\\\\n\\",
    "history": "!! !touch !$",
    "glob": "* ? [a-z] ~ {a,b}",
    "printf": "%s %n %d %%",
    "option": "--profile other --endpoint-url http://x -",
    "file of the CLI": "file:///etc/passwd fileb://x",
    "HCL interpolation": '${file("/etc/passwd")} $${x} $$${y} ${',
    "HCL directive": "%{ if true }x%{ endif } %%{x} %%%{y} %{",
    "HCL end": '"\n}\nresource "null_resource" "x" {}\n',
    "Fn::Sub": "${AWS::AccountId} ${!Literal} Fn::Sub Ref",
    "JSON": '"}],"x":[{"a":"',
    "policy variable": "${aws:username}/${s3:prefix, 'a'}",
    "unicode": "é ß ÿ \x80 \x85 \xa0",
}
_TEXT = st.one_of(
    st.sampled_from(sorted(TEXTS.values())),
    st.text(st.characters(max_codepoint=0x2FF, exclude_characters="\0"), max_size=12),
    st.text("$`'\"\\{}%()<>|&;#!~*?[] \n-E", max_size=12),
)
# A path of IAM has no space and no $, but braces make two words, and backticks run them.
_PATHS = (
    "`{touch,canary}`",
    "'`{touch,canary}`'",
    "';{touch,canary};'",
    '";{touch,canary};"',
    "\\';{touch,canary};#",
    "&&{touch,canary}&&",
    "|{touch,canary}>canary<x",
    "(touch)#!!~{a,b}",
    "%{if}x%{endif}",
    "-x",
)
_LATIN = st.one_of(
    st.sampled_from([text for text in TEXTS.values() if "\n" not in text and "\r" not in text]),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20),
)
_PATH = st.one_of(
    st.sampled_from(_PATHS),
    st.text("".join(chr(n) for n in range(0x21, 0x7F) if chr(n) not in "*?$/"), min_size=1, max_size=12),
)
_NAME = st.text("ab_+=,.@-", min_size=1, max_size=8)
_TAG = st.text("aZ0 _.:/=+@-", min_size=1, max_size=8).filter(lambda text: not text.startswith("aws:"))


def grants() -> st.SearchStrategy[Grant]:
    """Grants that are valid, and as odd as IAM lets them be."""
    fields = {
        "sources": st.lists(
            _PATH.map(lambda it: ALICE.replace("alice", f"{it}/alice")), min_size=1, max_size=2
        ),
        "destinations": st.tuples(_PATH, _NAME).map(
            lambda it: [ROLE.replace("reports-reader", "/".join(it))]
        ),
        "permissions": st.lists(_LATIN, min_size=1, max_size=2).map(
            lambda texts: [{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::a{t}" for t in texts]}]
        ),
        "conditions": st.fixed_dictionaries(
            {
                "external_id": st.sampled_from(["", "env:NAME", "abc/d,e=f@g"]),
                "role_session_name": st.sampled_from(["", "${aws:username}", "a*?${x}$$${y}"]),
                "session_tags": st.dictionaries(_TAG, _TAG, max_size=2),
            }
        ),
        "caller_policy": st.sampled_from(["managed", "inline"]),
    }
    return st.fixed_dictionaries(fields).map(lambda made: a_grant(**made))


def with_text(text: str) -> Documents:
    """Documents in which a text stands where no valid grant lets it stand: in values and names of keys."""
    documents, policy = build(a_grant()), policy_with(text)
    return replace(
        documents,
        trust_policies={ROLE: policy},
        permissions_policies={ROLE: policy},
        caller_policies={ALICE: [policy]},
    )


def policy_with(text: str) -> dict[str, Any]:
    condition = {"StringEquals": {f"aws:RequestTag/{text}": [text, f"a{text}b"]}}
    return {"Version": "2012-10-17", "Statement": [{"Sid": text, "Effect": "Allow", "Condition": condition}]}


TEXTS_ANYWHERE = _TEXT
