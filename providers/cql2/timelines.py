"""The temporal functions of OGC 21-065, tables 9 and 10; an instant is an interval of no length."""

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

type Element = ColumnElement[Any]
type Ends = tuple[Element, Element]


def temporal(name: str, left: Ends, right: Ends) -> Element:
    """The function of this name on two intervals, each from its first to its last moment."""
    (start, end), (begin, last) = left, right
    match name:
        case "t_after":
            return start > last
        case "t_before":
            return end < begin
        case "t_disjoint":
            return or_(start > last, end < begin)
        case "t_intersects":
            return and_(start <= last, end >= begin)
        case "t_equals":
            return and_(start == begin, end == last)
        case "t_contains":
            return and_(start < begin, end > last)
        case "t_during":
            return and_(start > begin, end < last)
        case "t_finishedBy":
            return and_(start < begin, end == last)
        case "t_finishes":
            return and_(start > begin, end == last)
        case "t_meets":
            return end == begin
        case "t_metBy":
            return start == last
        case "t_overlaps":
            return and_(start < begin, end > begin, end < last)
        case "t_overlappedBy":
            return and_(start > begin, start < last, end > last)
        case "t_startedBy":
            return and_(start == begin, end > last)
        case "t_starts":
            return and_(start == begin, end < last)
    raise ValueError(name)
