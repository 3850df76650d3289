"""What the rules of a check need, read through bindings: one statement per layer for all parcels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from psycopg import Connection
from psycopg.rows import TupleRow

from config.ruleset import Profile, Ruleset
from config.vocabulary import Text
from processes.algorithms.compliance.evidence import (
    Absent,
    Geometries,
    Need,
    TableEvidence,
)
from processes.algorithms.compliance.needs import needs_of
from processes.context import Context
from processes.workflows.parcel_bounds import parcel_bounds
from providers.bindings import Bound, NotBound
from providers.parcel_overlay import Answer, ask_layer, read_table

# The composition of a parcel (地类构成): the binding and the field of its classes.
PRESENT = "survey_latest", "DLBM"
PLANNED = "use_plan", "YDYHFLDM"
RIDGE = "KCXS"
type Said = Absent | TableEvidence | Answer
HITS_PER_PARCEL = 400  # on average in a batch; one parcel alone may meet more


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """One binding as a check reads it."""

    binding: str
    title: Text
    bound: Bound | NotBound
    need: Need
    released: date | None  # of its edition

    def also(self, other: "Layered") -> "Layered":
        """The same binding as read for other parcels, too: what any of their rules must have, all must."""
        need = replace(self.need, mandatory=self.need.mandatory or other.need.mandatory)
        return replace(self, need=need)


def asked_rules(ruleset: Ruleset, profile: Profile) -> tuple[str, ...]:
    """The rules of a profile that are computed, mandatory ones first."""
    named = (*profile.mandatory, *profile.advisory)
    return tuple(r for r in dict.fromkeys(named) if r in ruleset.rules and _computed(ruleset, r))


def manual_rules(ruleset: Ruleset, profile: Profile) -> tuple[str, ...]:
    """The items of a profile that a person answers (人工事项)."""
    named = (*profile.mandatory, *profile.advisory, *profile.manual)
    known = (r for r in dict.fromkeys(named) if r in ruleset.rules)
    return tuple(r for r in known if ruleset.rules[r].manual and r not in ruleset.switched_off)


def _computed(ruleset: Ruleset, rule: str) -> bool:
    return rule not in ruleset.switched_off and not ruleset.rules[rule].manual


def needs(ruleset: Ruleset, profile: Profile) -> dict[str, Need]:
    """What is read of each binding: for the rules, and for the composition."""
    found = needs_of(ruleset, asked_rules(ruleset, profile), profile.replace)
    mandatory = needs_of(
        ruleset,
        [r for r in profile.mandatory if r in ruleset.rules and _computed(ruleset, r)],
        profile.replace,
    )
    for binding, code in (PRESENT, PLANNED):
        if binding not in ruleset.bindings:
            continue
        before = found.get(binding, Need())
        fields = before.fields | {code} | ({RIDGE} if binding == PRESENT[0] else frozenset())
        found[binding] = replace(before, fields=fields, overlaps=True)
    return {
        name: replace(need, mandatory=name in mandatory and mandatory[name].mandatory)
        for name, need in sorted(found.items())
    }


def ask_layers(
    context: Context,
    connection: Connection[TupleRow],
    wanted: Mapping[str, Need],
    ruleset: Ruleset,
    parcels: Geometries,
    regions: Sequence[str | None],
    day: date,
    as_of: datetime | None,
) -> tuple[tuple[Layered, ...], dict[str, Said]]:
    """The bindings in the order of their names, and what each says of the parcels."""
    layers, said = list[Layered](), dict[str, Said]()
    for binding, need in wanted.items():
        title = ruleset.bindings[binding].title
        bound = context.bound(binding, day, as_of)
        answer: Said
        if isinstance(bound, NotBound):
            answer = Absent(bound.reason.value)
        elif need.table:
            answer = read_table(connection, bound, regions, context.scope, need, as_of)
        else:
            most = max(parcel_bounds().max_features, HITS_PER_PARCEL * len(parcels))
            answer = ask_layer(
                connection,
                bound,
                parcels,
                context.scope,
                need,
                as_of=as_of,
                check_date=day,
                most=most,
            )
        said[binding] = answer
        released = answer.released if isinstance(answer, Answer) else None
        layers.append(
            Layered(binding=binding, title=title, bound=bound, need=need, released=released)
        )
    return tuple(layers), said
