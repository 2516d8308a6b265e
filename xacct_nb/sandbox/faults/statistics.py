"""Which calls fail by each fault, and how many did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.sandbox.faults.faults import KINDS, Fault, Faults, faults_from
from xacct_nb.views import Shown, Table, Text, View


@dataclass(frozen=True, repr=False)
class Misbehaviour(Shown):
    """The faults of a sandbox, each with the numbers of calls that matched (`met`) and failed (`struck`)."""

    faults: Faults
    met: tuple[int, ...]
    struck: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return `seed` and `faults`, each with `met` and `struck`."""
        fields = self.faults.to_json()
        counted = zip(fields["faults"], self.met, self.struck, strict=True)
        return {**fields, "faults": [{**each, "met": met, "struck": struck} for each, met, struck in counted]}

    def view(self) -> View:
        """Return a table with a row for each fault."""
        if not self.faults.faults:
            return Text("The sandbox behaves: no fault is set.", "good")
        counted = zip(self.faults.faults, self.met, self.struck, strict=True)
        rows = tuple(_row(*each) for each in counted)
        headers = ("fault", "what the sandbox does", "on", "how often", "calls", "struck")
        return Table(headers, rows, f"The sandbox misbehaves (seed {self.faults.seed})")


class FaultCounter:
    """Chooses the calls that fail, and counts them."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self._met = [0] * len(faults.faults)
        self._struck = [0] * len(faults.faults)

    def strike(self, service: str, action: str) -> tuple[Fault, ...]:
        """Return the faults that affect this call, in order; one that keeps it from AWS is the last."""
        found: list[Fault] = []
        for number, fault in enumerate(self.faults.faults):
            if fault.is_for(service, action) and self._strikes(number, fault):
                found.append(fault)
                if not KINDS[fault.kind].reaches_aws:
                    break
        return tuple(found)

    def counts(self) -> Misbehaviour:
        """Return the counts so far."""
        return Misbehaviour(self.faults, tuple(self._met), tuple(self._struck))

    def _strikes(self, number: int, fault: Fault) -> bool:
        self._met[number] += 1
        nth = self._met[number] - fault.after
        spent = fault.count is not None and self._struck[number] >= fault.count
        strikes = nth > 0 and not spent and self.faults.strikes(number, nth)
        self._struck[number] += strikes
        return strikes


def misbehaviour_from(given: Mapping[str, Any]) -> Misbehaviour:
    """Read what `Misbehaviour.to_json` returned."""
    bare = [{name: each[name] for name in each.keys() - {"met", "struck"}} for each in given["faults"]]
    met, struck = (tuple(each[count] for each in given["faults"]) for count in ("met", "struck"))
    return Misbehaviour(faults_from({**given, "faults": bare}), met, struck)


def _row(fault: Fault, met: int, struck: int) -> tuple[str, ...]:
    kind = KINDS[fault.kind]
    does = f"{kind.does}: {fault.seconds:g} s" if kind.lasts else kind.does
    return fault.kind, does, ", ".join(fault.operations), _frequency(fault), str(met), str(struck)


def _frequency(fault: Fault) -> str:
    share = "every call" if fault.share == 1 else f"{fault.share:.0%} of the calls"
    after = f" after the first {fault.after}" if fault.after else ""
    return share + after + ("" if fault.count is None else f", {fault.count} at most")
