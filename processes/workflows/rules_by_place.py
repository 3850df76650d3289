"""Which rules hold for which parcels: by the divisions that they lie in, on one day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from psycopg import Connection
from psycopg.rows import TupleRow

from processes.context import Context
from processes.spec import BodyError, InvalidBody
from processes.workflows.check_request import Asked, Rules, check_names, rules_of
from processes.workflows.parcel_intake import Intake
from processes.workflows.rules_draft import DRAFT, Draft, drafted
from providers.parcel_regions import Placed, divisions_of

type Places = Mapping[int, Placed | None]  # of the parcels that can be read, by their position
type Group = tuple[Rules, list[int]]  # positions of parcels under the rules that hold there


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Parcels by the rules that hold where they lie; one group without any where none is sound."""

    day: date
    places: Places
    groups: tuple[Group, ...]
    torn: frozenset[int] = field(default_factory=frozenset)  # parts lie where other rules hold


def placed_under_rules(
    context: Context, connection: Connection[TupleRow], asked: Asked, intake: Intake
) -> Placement:
    """The rules of each parcel's own division, those of a draft among them.

    Raises
    ------
    InvalidBody
        For names that the rules do not know, and where the divisions would take different days.
    """
    draft = Draft(rulebook=context.rulebook)
    if asked.draft is not None:
        bindings = context.entry.bindings
        draft = drafted(context.rulebook, asked.draft, bindings, f"/inputs/{DRAFT}")

    def rules_at(code: str | None) -> Rules:
        if code not in known:
            known[code] = rules_of(draft.rulebook, asked, context.today, code, draft.begins)
        return known[code]

    known: dict[str | None, Rules] = {}
    day = rules_at(None).day
    sound = [i for i, one in enumerate(intake.parcels) if one.geometry is not None]
    shapes = np.array([intake.parcels[i].geometry for i in sound], dtype=object)
    places = dict(zip(sound, divisions_of(connection, shapes, day), strict=True))
    groups: dict[str, Group] = {}
    torn: set[int] = set()
    for position, place in places.items():
        rules = rules_at(None if place is None else place.lowest)
        digest = rules.ruleset.digest
        groups.setdefault(digest, (rules, []))[1].append(position)
        if place and any(rules_at(o).ruleset.digest != digest for o in place.others):
            torn.add(position)
    if not groups:
        groups[""] = (rules_at(None), [])
    _check([rules for rules, _ in groups.values()], asked, context, day)
    return Placement(day=day, places=places, groups=tuple(groups.values()), torn=frozenset(torn))


def _check(found: Sequence[Rules], asked: Asked, context: Context, day: date) -> None:
    for rules in found:
        check_names(asked, rules.ruleset, context.scope)
        context.applied(rules.ruleset)
    if other := next((rules.day for rules in found if rules.day != day), None):
        message = f"is needed: where the parcels lie, rules take {day} and {other}"
        raise InvalidBody([BodyError("/inputs/check_date", message)])
