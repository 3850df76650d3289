"""Intervals of dates or instants; `..` is an open end."""

from collections.abc import Callable
from typing import Any

from config.model import Layer
from providers.cql2.faults import FilterFault
from providers.cql2.literals import Binds
from providers.cql2.terms import Bind, Call, Column, Kind, Term


def period_of(term: Callable[[Any], Term], binds: Binds, layer: Layer, node: Any) -> Term:
    """An interval whose ends are of one kind.

    Where the end is the field that says until when rows of the layer are valid, a row without it
    is valid still: the end is open.
    """
    ends = [None if each is None else term(each) for each in (node.start, node.end)]
    kinds = {end.kind for end in ends if end is not None}
    if not kinds <= {Kind.DATE, Kind.INSTANT}:
        shown = " and ".join(str(end) for end in ends if end is not None)
        raise FilterFault(f"dates or timestamps as the ends of an interval, not {shown}")
    if len(kinds) == 2:
        raise FilterFault("an interval between two dates or two timestamps, not one of each")
    kind = kinds.pop() if kinds else None
    start, end = ends
    known = [binds.values[side.name] for side in ends if isinstance(side, Bind)]
    if known != sorted(known):
        raise FilterFault("an interval that does not end before it begins")
    last = layer.validity[1]
    if isinstance(end, Column) and last is not None and end.name == last:
        end = Call(name="still", args=(end,), kind=end.kind)
    sides = (
        start or Call(name="open_start", args=(), kind=kind or Kind.DATE),
        end or Call(name="open_end", args=(), kind=kind or Kind.DATE),
    )
    return Call(name="interval", args=sides, kind=Kind.INTERVAL, element=kind)
