"""One condition of a statement: an operator with one key and the values of the policy."""

from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import NamedTuple

from xacct_nb.iam.operators import OPERATORS, Operator, Test, UnknownOperator, read_truth
from xacct_nb.iam.patterns import Context, PatternSet, either
from xacct_nb.iam.unknown import UnknownValue

ALL, ANY = "ForAllValues", "ForAnyValue"
# A fact about a request that may not be known: a key and what of it, or an element of a statement.
Fact = tuple[Hashable, ...]
MISSING, EMPTY, EVERY, SOME = "missing", "empty", "every value matches", "some value matches"
_IMPLIED: dict[Hashable, str] = {MISSING: EMPTY, EVERY: SOME}


class Condition(NamedTuple):
    """One operator with one key and the values of the policy."""

    operator: str
    key: str
    values: tuple[str, ...]
    name: str
    test: Test
    patterns: PatternSet | None
    negated: bool
    qualifier: str
    if_missing: bool

    def holds(self, context: Context) -> bool | None:
        """Return whether the keys of a request meet the condition; None where that hangs on an unknown key.

        A variable without a value matches nothing, so a negated operator holds (reference_policies_variables,
        "Policy variables with no value").
        """
        values = context.get(self.name, ())
        # For a set, AWS treats an empty text as no value.
        if not values or (self.qualifier and not any(values)):
            return (
                self._holds_unknown(values, context) if values.__class__ is UnknownValue else self.if_missing
            )
        if len(values) == 1:
            matched = self.test(values[0], context)
            return None if matched is None else matched is not self.negated
        each = [self.test(value, context) for value in values]
        if not self.qualifier:
            return negation(either(each)) if self.negated else either(each)
        met = [negation(matched) for matched in each] if self.negated else each
        # All hold where it is not so that one does not.
        return either(met) if self.qualifier == ANY else negation(either([negation(one) for one in met]))

    def _holds_unknown(self, value: UnknownValue, context: Context) -> bool | None:
        if not value.is_partial:
            return None
        # An ARN is no number, date, Boolean, address or Base64 text: those operators do not match it.
        matched = self.patterns.match_path(value, context) if self.patterns else False
        return negation(matched) if self.negated else matched

    def facts(self, context: Context) -> tuple[Fact, ...]:
        """Return the facts on which it hangs: whether the key is missing, whether a value matches."""
        missing = ((self.name, self._missing),) if self._may_be_missing(context) else ()
        return (*missing, self._match)

    def holds_if(self, case: Mapping[Fact, bool], context: Context) -> bool:
        """Return whether it holds where the facts are like this."""
        if self._may_be_missing(context) and case[self.name, self._missing]:
            return self.if_missing
        return case[self._match] is not (self.negated or self._is_false)

    def _may_be_missing(self, context: Context) -> bool:
        values = context.get(self.name, ())
        return isinstance(values, UnknownValue) and not values.is_partial

    @property
    def _missing(self) -> str:
        # For a set, an empty text is missing, too.
        return EMPTY if self.qualifier else MISSING

    @property
    def _match(self) -> Fact:
        """Return the fact that every value of the key matches one of the policy, or that some value does."""
        whole = self.qualifier and (self.qualifier == ALL) is not self.negated
        values = ("true",) if self._is_false else self.values
        return (self.name, EVERY if whole else SOME, self._comparison, frozenset(values))

    @property
    def _is_false(self) -> bool:
        """Return whether it is Bool with "false": a key that is there is either true or false."""
        return self.operator in ("Bool", "BoolIfExists") and self.values == ("false",)

    @property
    def _comparison(self) -> str:
        """Return how values are compared, the same for an operator and its negation."""
        if self.patterns:
            return f"{self.patterns.style}{'${}' if self.patterns.templates else ''}"
        return self.operator.rpartition(":")[2].removesuffix("IfExists").replace("Not", "", 1)

    def depends_on(self, context: Context) -> tuple[str, ...]:
        """Return the unknown keys that it uses, as the policy writes them."""
        own = (self.key,) if isinstance(context.get(self.name), UnknownValue) else ()
        return own + (self.patterns.unknown_variables(context) if self.patterns else ())


class NullCheck(NamedTuple):
    """The operator Null: the key must be absent ("true") or present ("false").

    `held` are the states, absent (True) or present (False), in which it holds.
    """

    operator: str
    key: str
    values: tuple[str, ...]
    name: str
    held: frozenset[bool]

    def holds(self, context: Context) -> bool | None:
        """Return whether the key is absent from the request, or present, as the policy requires."""
        values = context.get(self.name, ())
        if isinstance(values, UnknownValue) and not values.is_partial:
            return None if len(self.held) == 1 else bool(self.held)
        return (not values and not isinstance(values, UnknownValue)) in self.held

    def facts(self, _: Context) -> tuple[Fact, ...]:
        """Return the fact on which it hangs."""
        return ((self.name, MISSING),)

    def holds_if(self, case: Mapping[Fact, bool], _: Context) -> bool:
        """Return whether it holds where the fact is like this."""
        return case[self.name, MISSING] in self.held

    def depends_on(self, context: Context) -> tuple[str, ...]:
        """Return the key, as the policy writes it, if it is not known."""
        return (self.key,) if isinstance(context.get(self.name), UnknownValue) else ()


def facts_agree(case: Mapping[Fact, bool]) -> bool:
    """Return whether facts can be so together: a missing key is empty, and every value means some value."""
    return all(
        case.get((name, _IMPLIED[kind], *rest), True)
        for (name, kind, *rest), holds in case.items()
        if holds and kind in _IMPLIED
    )


def negation(holds: bool | None) -> bool | None:
    """Return the opposite; what is not known stays so."""
    return None if holds is None else not holds


# The states of the key in which Null holds; None: those of its values. With ForAllValues it always holds,
# with ForAnyValue never (access-analyzer-reference-policy-checks, "Null with qualifier").
_NULL: dict[str, frozenset[bool] | None] = {
    "Null": None,
    f"{ALL}:Null": frozenset({True, False}),
    f"{ANY}:Null": frozenset(),
}
AnyCondition = Condition | NullCheck


def condition(written: str, key: str, values: tuple[str, ...], variables: bool) -> AnyCondition:
    """Compile a condition of a policy; `variables`: whether `${...}` is one (2012-10-17).

    Source: reference_policies_elements_condition_operators,
    reference_policies_condition-single-vs-multi-valued-context-keys. Raises UnknownOperator, or ValueError
    with what is wrong with one of the values.
    """
    if written in _NULL:
        wanted = frozenset(read_truth(value) == "true" for value in values)
        held = _NULL[written]
        return NullCheck(written, key, values, key.lower(), wanted if held is None else held)
    operator, qualifier, if_exists = _operator(written)
    test, patterns = operator.make(values, variables)
    if_missing = if_exists or qualifier == ALL or (operator.negated and not qualifier)
    negated = operator.negated
    return Condition(written, key, values, key.lower(), test, patterns, negated, qualifier, if_missing)


@lru_cache(maxsize=256)
def is_operator(written: str) -> bool:
    """Return whether the table has this operator, IfExists and set qualifiers included."""
    try:
        return written in _NULL or bool(_operator(written))
    except UnknownOperator:
        return False


@lru_cache(maxsize=256)
def _operator(written: str) -> tuple[Operator, str, bool]:
    qualifier, _, rest = written.rpartition(":")
    name = rest.removesuffix("IfExists")
    if qualifier not in ("", ALL, ANY) or name not in OPERATORS:
        raise UnknownOperator(f"there is no operator {written!r}")
    return OPERATORS[name], qualifier, rest != name
