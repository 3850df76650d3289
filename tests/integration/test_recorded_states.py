"""Whatever is loaded, edited and rolled back: every recorded state can be asked for, for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.model import Catalogue
from config.vocabulary import EditionKey
from processes.workflows.rollback import rollback
from providers.database import DatabaseRole, connect
from providers.revision_log import revision_at
from providers.revisions import Revision, RevisionKind

LAYER, KEY = "land_use", EditionKey("a")
COUNTIES = ("220102", "220103")
type Loader = Callable[..., Revision]
type State = dict[str, tuple[str, int]]  # id -> county, remark

rows_of = st.dictionaries(
    st.sampled_from("12345"), st.tuples(st.sampled_from(COUNTIES), st.integers(0, 2)), max_size=4
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just(RevisionKind.LOAD), rows_of),
        st.tuples(st.just(RevisionKind.MERGE), rows_of),
        st.tuples(st.sampled_from(COUNTIES), rows_of),
        st.tuples(st.just(RevisionKind.ROLLBACK), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=7,
)


@dataclass
class Model:
    """What should be recorded: the state after each revision, counted from 1."""

    states: list[State] = field(default_factory=list)

    @property
    def now(self) -> State:
        return self.states[-1] if self.states else {}

    def record(self, state: State) -> None:
        if state != self.now or not self.states:
            self.states.append(state)


def recorded(connection: psycopg.Connection[Any], number: int) -> State:
    """The rows of a revision as the tables keep them."""
    found = connection.execute(
        """
        SELECT om_id, om_region, bz FROM planning.land_use__a WHERE om_rev <= %(n)s
        UNION ALL SELECT om_id, om_region, bz FROM planning_history.land_use
        WHERE om_edition = 'a' AND rev_from <= %(n)s AND rev_to >= %(n)s
        """,
        {"n": number},
    ).fetchall()
    assert len({name for name, _, _ in found}) == len(found), "a feature stands there twice"
    return {name: (region, int(remark)) for name, region, remark in found}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_any_sequence_of_loads_edits_and_rollbacks_answers_every_past_state(
    load_squares: Loader, database_url: str, catalogue: Catalogue, steps: list[Any]
) -> None:
    layer, model = catalogue.layers[LAYER], Model()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "DROP TABLE IF EXISTS planning.land_use, planning_history.land_use CASCADE"
        )
        connection.execute("TRUNCATE onemap.edition CASCADE")

    def load(kind: RevisionKind, rows: State, regions: tuple[str, ...] = ()) -> None:
        columns = {
            layer.region: [county for county, _ in rows.values()],
            "BZ": [str(remark) for _, remark in rows.values()],
        }
        load_squares(LAYER, KEY, list(rows), columns=columns, kind=kind, regions=regions)

    load(RevisionKind.LOAD, {"1": (COUNTIES[0], 0)})
    model.record({"1": (COUNTIES[0], 0)})
    for kind, what in steps:
        match kind:
            case RevisionKind.LOAD:
                load(kind, what)
                model.record(dict(what))
            case RevisionKind.MERGE:
                load(kind, what)
                model.record({**model.now, **what})
            case RevisionKind.ROLLBACK:
                number = what % len(model.states) + 1
                rollback(
                    database_url, layer, KEY, number, author="t", note="", issued_from_above=True
                )
                model.record(model.states[number - 1])
            case county:
                mine = {name: row for name, row in what.items() if row[0] == county}
                elsewhere = {n: row for n, row in model.now.items() if row[0] != county}
                mine = {name: row for name, row in mine.items() if name not in elsewhere}
                load(RevisionKind.REGION, mine, (county,))
                model.record({**elsewhere, **mine})

    with connect(database_url, DatabaseRole.READER) as connection:
        for number, state in enumerate(model.states, 1):
            assert recorded(connection, number) == state
        moments = [
            row[0]
            for row in connection.execute(
                "SELECT recorded_at FROM onemap.revision ORDER BY number"
            ).fetchall()
        ]
        assert len(moments) == len(model.states)
        assert moments == sorted(set(moments))
        for number, moment in enumerate(moments, 1):
            for later in (moment, moment + timedelta(microseconds=1), datetime.now(UTC)):
                last = sum(other <= later for other in moments)
                found = revision_at(connection, layer.id, KEY, number=None, moment=later)
                assert found == max(number, last)
        before = moments[0] - timedelta(microseconds=1)
        assert revision_at(connection, layer.id, KEY, number=None, moment=before) is None
