"""The statements of a check as texts, compiled once for each shape that they have."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import ClauseElement

from config.model import Layer
from config.vocabulary import EditionKey, GeometryKind, LayerId
from providers.access import Scope
from providers.dialect import Compiled, compile_shape
from providers.parcel_gap_statements import gap_statement
from providers.parcel_overlay_statements import Asked, overlay_statement, table_statement
from providers.relations import Relation, relation_of
from providers.tables import parts_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What of a layer is read for whom; readings of equal texts are equal.

    An external table is described by more than its name: its statements are compiled each time.
    """

    layer: Layer = field(compare=False)
    scope: Scope = field(compare=False)
    edition: EditionKey | None  # None: an external table
    past: bool  # at the bound revision `at`, else as it stands
    asked: Asked
    kind: tuple[LayerId, GeometryKind, bool, tuple[bool, bool]]  # of the layer and the scope

    @classmethod
    def of(
        cls, layer: Layer, edition: EditionKey | None, scope: Scope, asked: Asked, *, past: bool
    ) -> "Reading":
        """Past: at the bound revision `at`; an external table has none."""
        return cls(
            layer=layer,
            scope=scope,
            edition=edition,
            past=past and edition is not None,
            asked=asked,
            kind=(layer.id, layer.geometry, layer.subdivided, scope.shape),
        )

    @property
    def relation(self) -> Relation:
        return relation_of(self.layer, self.edition, past=self.past)

    def hits(self) -> Compiled:
        """Features that meet the parcels."""
        return _statement(self, _hits)

    def gaps(self) -> Compiled:
        """Parcels of which something is not told."""
        return _statement(self, _gaps)

    def rows(self) -> Compiled:
        """Rows of a table by region."""
        return _statement(self, _rows)


type Write = Callable[[Reading], ClauseElement]


def _statement(reading: Reading, write: Write) -> Compiled:
    ours = reading.edition is not None
    return _kept(reading, write) if ours else compile_shape(write(reading))


@lru_cache(1_024)
def _kept(reading: Reading, write: Write) -> Compiled:
    return compile_shape(write(reading))


def _hits(reading: Reading) -> ClauseElement:
    parts, layer = None, reading.layer
    if layer.subdivided and reading.edition is not None and not reading.past:
        parts = parts_table(layer, reading.edition)
    return overlay_statement(reading.relation, reading.scope, reading.asked, parts)


def _gaps(reading: Reading) -> ClauseElement:
    return gap_statement(
        reading.relation,
        reading.scope,
        past=reading.past,
        near=reading.asked.near,
        polygons=reading.layer.geometry is GeometryKind.POLYGON,
    )


def _rows(reading: Reading) -> ClauseElement:
    return table_statement(reading.relation, reading.scope, reading.asked.codes)
