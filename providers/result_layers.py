"""Result layers: features that a job made, kept as a table of its own while the job is kept."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Field, Layer, Specification, Style, StyleRule, Theme
from config.vocabulary import (
    Classification,
    DataKind,
    EditionKey,
    EditionStatus,
    FieldType,
    GeometryKind,
    Issuer,
    LayerId,
    Text,
)
from providers.access import ANONYMOUS_ID
from providers.database import Pools
from providers.editions import Edition, EditionState, day_in_china

RESULT_ID = re.compile(r"result_([0-9a-f]{32})_([a-z][a-z0-9_]{0,22})", re.ASCII)
LISTED = 100  # of an owner's result layers, the newest
EDITION = EditionKey("result")
THEME = Theme(id="result", title=Text(zh="计算结果", en="Results"), order=1_000_000)
KEEPER = Text(zh="提交任务者", en="Whoever ran the process")
NONE = Text(zh="", en="")
FILL, OUTLINE = "#d9822b", "#8a4b0f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a result layer is; its features lie in columns a0, a1 …, one per field."""

    title: Text
    description: Text
    geometry: GeometryKind
    fields: tuple[tuple[str, FieldType], ...]  # names as properties have them
    synthetic: bool

    def document(self) -> dict[str, Any]:
        """The description as JSON."""
        return {
            "title": {"zh": self.title.zh, "en": self.title.en},
            "description": {"zh": self.description.zh, "en": self.description.en},
            "geometry": self.geometry.value,
            "fields": [[name, kind.value] for name, kind in self.fields],
            "synthetic": self.synthetic,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Description":
        """The description that `document` wrote."""
        return cls(
            title=Text(**document["title"]),
            description=Text(**document["description"]),
            geometry=GeometryKind(document["geometry"]),
            fields=tuple((name, FieldType(kind)) for name, kind in document["fields"]),
            synthetic=document["synthetic"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLayer:
    """A result layer as a layer of the catalogue's kind, and its one state."""

    layer: Layer
    state: EditionState
    style: Style


COLUMNS: LiteralString = "id, owner, said, features, west, south, east, north, created_at"
# An anonymous job's belongs to whoever knows the id.
FIND: LiteralString = f"""
SELECT {COLUMNS} FROM onemap.result_layer
WHERE id = ANY(%(ids)s) AND (owner = %(owner)s OR owner = %(anonymous)s OR %(all)s)
"""
OWN: LiteralString = f"""
SELECT {COLUMNS} FROM onemap.result_layer
WHERE owner = %(owner)s AND owner <> %(anonymous)s
ORDER BY created_at DESC, id LIMIT {LISTED}
"""


def result_id(job: UUID, output: str) -> str:
    """The id of the collection that an output of a job becomes."""
    return f"result_{job.hex}_{output}"


def job_of(collection: str) -> UUID | None:
    """The job whose result a collection is; None: it is none."""
    found = RESULT_ID.fullmatch(collection.partition(".")[0])
    return None if found is None else UUID(found[1])


async def find_results(
    pools: Pools, ids: Iterable[str], *, owner: str, everything: bool = False
) -> list[ResultLayer]:
    """Those of the layers that this caller may see."""
    values = {"ids": list(ids), "owner": owner, "anonymous": ANONYMOUS_ID, "all": everything}
    async with pools.reading() as connection:
        rows = await (await connection.execute(FIND, values)).fetchall()
    return layers_of(rows)


async def own_results(pools: Pools, owner: str) -> list[ResultLayer]:
    """The newest of an owner's layers; of strangers none are listed."""
    values = {"owner": owner, "anonymous": ANONYMOUS_ID}
    async with pools.reading() as connection:
        rows = await (await connection.execute(OWN, values)).fetchall()
    return layers_of(rows)


def find_result_now(
    connection: Connection[TupleRow], name: str, *, owner: str
) -> ResultLayer | None:
    """One layer for this owner, on a blocking connection."""
    values = {"ids": [name], "owner": owner, "anonymous": ANONYMOUS_ID, "all": False}
    found = layers_of(connection.execute(FIND, values).fetchall())
    return found[0] if found else None


def layers_of(rows: Sequence[TupleRow]) -> list[ResultLayer]:
    """Rows of COLUMNS as layers."""
    return [_layer(row) for row in rows]


def _layer(row: TupleRow) -> ResultLayer:
    name, owner, said, created = LayerId(row[0]), row[1], Description.read(row[2]), row[8]
    specification = Specification(
        id="result",
        version="1",
        title=said.title,
        geometry=said.geometry,
        source=said.description,
        fields=tuple(
            Field(code=code, title=Text(zh=code, en=code), type=kind) for code, kind in said.fields
        ),
        kind=DataKind.MANAGEMENT,
    )
    style = _style(name, said)
    layer = Layer(
        id=name,
        title=said.title,
        description=said.description,
        theme=THEME,
        specification=specification,
        identity=(),
        region="none",
        plan="none",
        classification=(
            Classification.PUBLIC if owner == ANONYMOUS_ID else Classification.INTERNAL
        ),
        style=style,
        source=said.description,
        keeper=KEEPER,
        synthetic=said.synthetic,
    )
    edition = Edition(
        layer=name,
        key=EDITION,
        title=THEME.title,
        valid_from=day_in_china(created),
        valid_to=None,
        status=EditionStatus.IN_FORCE,
        issuer=Issuer.OWN,
        document="",
    )
    state = EditionState(
        edition=edition,
        revision=1,
        features=row[3],
        extent=None if row[4] is None else (row[4], row[5], row[6], row[7]),
        updated=created,
        specification_version="1",
    )
    return ResultLayer(layer=layer, state=state, style=style)


def _style(name: LayerId, said: Description) -> Style:
    """One symbol for all; nobody knows what the features mean."""
    symbol = {
        GeometryKind.POINT: StyleRule(title=said.title, fill=FILL, outline=OUTLINE, width=5.0),
        GeometryKind.LINE: StyleRule(title=said.title, outline=FILL, width=2.0),
    }.get(
        said.geometry,
        StyleRule(title=said.title, fill=FILL, opacity=0.45, outline=OUTLINE, width=1.0),
    )
    return Style(
        id=name,
        title=said.title,
        source=NONE,
        geometry=said.geometry,
        field=None,
        rules=(symbol,),
    )
