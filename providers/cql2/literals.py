"""The literals of a filter: each becomes a bind, so that filters of one shape are one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from providers.cql2.faults import MAX_LITERAL, FilterFault, within
from providers.cql2.places import stored
from providers.cql2.scan import number_of
from providers.cql2.terms import Bind, Bound, Call, Kind, Term
from providers.cql2.times import whole_day
from providers.crs import Crs

LONG = 2**63


@dataclass(slots=True)
class Binds:
    """The values of a filter's literals by the names of their binds."""

    values: dict[str, Any] = field(default_factory=dict)
    made: int = 0

    def literal(self, value: Any) -> Bind:
        """The bind of a literal."""
        kind, bound, plain = typed(value)
        return self._bind(plain, bound, kind)

    def many(self, nodes: Sequence[Any], kind: Kind) -> Bind | None:
        """One bind of a list of literals of a kind; None where not all of them are such."""
        if any(isinstance(n, list) or not isinstance(n, LITERALS) for n in nodes):
            return None
        found = [typed(node) for node in nodes]
        if any(k is not kind for k, _, _ in found):
            return None
        bounds = {bound for _, bound, _ in found}
        bound = bounds.pop() if len(bounds) == 1 else Bound.NUMBER
        plain = [Decimal(v) if bound is Bound.NUMBER else v for _, _, v in found]  # of one type
        return self._bind(plain, bound, kind, many=True)

    def shape(self, geometry: dict[str, Any], crs: Crs) -> Bind:
        """The bind of a geometry whose coordinates are those of *crs*."""
        return self._bind(stored(geometry, crs), Bound.SHAPE, Kind.GEOMETRY)

    def taken(self, bind: Bind) -> Any:
        """The value of a bind that is needed no longer."""
        return self.values.pop(bind.name)

    def same_clock(self, pair: Sequence[Term]) -> list[Term]:
        """Temporal terms on one clock: beside timestamps, a literal date is its whole day in UTC."""
        clocks = {clock for one in pair if (clock := clock_of(one)) is not None}
        if clocks != {Kind.DATE, Kind.INSTANT}:
            return list(pair)
        return [self._instants(one) if clock_of(one) is Kind.DATE else one for one in pair]

    def _instants(self, term: Term) -> Term:
        ends = term.args if isinstance(term, Call) and term.kind is Kind.INTERVAL else (term, term)
        found: list[Term] = []
        for place, end in enumerate(ends):
            if isinstance(end, Bind):
                found.append(self.literal(whole_day(self.values[end.name])[place]))
            elif isinstance(end, Call) and not end.args:  # an open end
                found.append(replace(end, kind=Kind.INSTANT))
            else:
                raise FilterFault(
                    f"one clock: {end} is compared with timestamps; use DATE('2024-02-29')"
                )
        return Call(name="interval", args=tuple(found), kind=Kind.INTERVAL, element=Kind.INSTANT)

    def _bind(self, value: Any, bound: Bound, kind: Kind, *, many: bool = False) -> Bind:
        name = f"f_{self.made}"
        self.made += 1
        self.values[name] = value
        return Bind(name=name, bound=bound, kind=kind, many=many)


LITERALS = (bool, int, float, Decimal, str, date)


def typed(value: Any) -> tuple[Kind, Bound, Any]:
    """What a literal is, how it is bound, and its value as it is bound."""
    match value:
        case bool():
            return Kind.BOOLEAN, Bound.BOOLEAN, value
        case float():
            return typed(number_of(repr(value)))
        case int():
            return Kind.NUMBER, Bound.WHOLE if -LONG <= value < LONG else Bound.NUMBER, value
        case Decimal():
            return Kind.NUMBER, Bound.NUMBER, value
        case str():
            within(len(value), MAX_LITERAL, "characters in a literal")
            if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
                raise FilterFault("Unicode text without NUL")
            return Kind.TEXT, Bound.TEXT, value
        case datetime():
            if value.tzinfo is None:
                raise FilterFault("an instant in UTC like 2024-02-29T08:00:00Z")
            return Kind.INSTANT, Bound.INSTANT, value
        case date():
            return Kind.DATE, Bound.DATE, value
    raise FilterFault(f"a literal, not {value!r}")


def clock_of(term: Term) -> Kind | None:
    """Whether a temporal term counts days or instants; None: it is open at both ends."""
    return term.element if term.kind is Kind.INTERVAL else term.kind
