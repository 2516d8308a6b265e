"""A policy document, parsed once into statements; a document that AWS would refuse is refused."""

import marshal
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import GRAMMARS, IDENTITY, NEW, OLD, PolicyGrammar, Refused, refuse
from xacct_nb.iam.statements import Statement, read_statement

# The version of marshal's format in which equal values have equal bytes, however often they occur.
_WITHOUT_REFERENCES = 2
# Bytes of a document that is remembered; AWS's largest quota is 20,480 characters, of a bucket policy.
_MAX_REMEMBERED = 65_536


@dataclass(frozen=True, slots=True)
class ParsedPolicy:
    """A policy as its kind, version and statements."""

    kind: str
    version: str
    statements: tuple[Statement, ...]


def parse(document: object, kind: str = IDENTITY, name: str = "") -> ParsedPolicy:
    """Parse a policy document; return a ParsedPolicy as it is.

    `kind` is one of identity (also boundaries and session policies), trust, resource, service control,
    resource control. `name` names the document in an error. Source: reference_policies_grammar,
    access-analyzer-reference-policy-checks. Raises InvalidPolicy.
    """
    rules = GRAMMARS[kind]
    if isinstance(document, ParsedPolicy):
        if document.kind != kind:
            raise InvalidPolicy(
                f"{name or 'The policy'} was parsed as {document.kind} policy, not as {kind} policy.",
                why="Each kind of policy has rules of its own.",
                hint=f"Parse it with parse(document, {kind!r}).",
            )
        return document
    try:
        return _parsed(document, kind)
    except Refused as refusal:
        path, reason = refusal.args
        where = ".".join(filter(None, (name, path))) or "The document"
        raise InvalidPolicy(
            f"{where}: {reason}.",
            path=path,
            why=f"AWS's rules for {kind} policies are in {rules.source}.",
            hint="Correct the document, then try again.",
        ) from None


def _parsed(document: Any, kind: str) -> ParsedPolicy:
    """Parse a document, or return what an equal one gave; one that was changed has other bytes."""
    with suppress(ValueError, Refused):
        written = marshal.dumps(document, _WITHOUT_REFERENCES)
        if len(written) <= _MAX_REMEMBERED:
            return _remembered(written, kind)
    # What marshal cannot write, or what AWS would refuse.
    return _policy(document, GRAMMARS[kind])


@lru_cache(maxsize=1024)
def _remembered(written: bytes, kind: str) -> ParsedPolicy:
    return _policy(marshal.loads(written), GRAMMARS[kind])


def _policy(document: object, grammar: PolicyGrammar) -> ParsedPolicy:
    if not isinstance(document, dict):
        refuse("", "it is not an object")
    for element in document:
        if element not in ("Version", "Statement", "Id"):
            refuse(str(element), "there is no such element")
    if not isinstance(document.get("Id", ""), str):
        refuse("Id", "it is not text")
    version = document.get("Version", OLD)
    if version not in grammar.versions:
        what = f"it is {version!r}" if "Version" in document else "it is missing"
        refuse("Version", f"{what}, not {' or '.join(grammar.versions)}")
    if "Statement" not in document:
        refuse("Statement", "it is missing")
    statements = document["Statement"]
    # Not `as_list`, which copies: policies are parsed for every request.
    listed = statements if isinstance(statements, (list, tuple)) else [statements]
    if not listed:
        refuse("Statement", "it is empty")
    found = tuple([_statement(each, n, grammar, version == NEW) for n, each in enumerate(listed)])
    sids = [each.sid for each in found if each.sid]
    if len(sids) != len(set(sids)):
        refuse("Statement", "two statements have the same Sid")
    return ParsedPolicy(grammar.name, version, found)


def _statement(fields: object, number: int, grammar: PolicyGrammar, variables: bool) -> Statement:
    try:
        return read_statement(fields, number, grammar, variables)
    except Refused as refusal:
        path, reason = refusal.args
        raise Refused(f"Statement[{number}]{'.' if path else ''}{path}", reason) from None
