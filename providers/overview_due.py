"""Which editions' overviews, or the counts of what their tiles leave out, are not what they should be."""

from collections.abc import Iterator

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey
from providers.overview_choice import recipe
from providers.overview_omitted import counting_recipe
from providers.overview_tables import has_overview

DUE = """
SELECT e.layer, e.edition, o.recipe, o.omitted ->> 'recipe',
    o.revision IS NOT DISTINCT FROM e.revision
FROM onemap.edition e LEFT JOIN onemap.overview o USING (layer, edition)
WHERE e.revision > 0 ORDER BY e.updated_at, e.layer, e.edition
"""


def due(
    connection: Connection[TupleRow], catalogue: Catalogue
) -> Iterator[tuple[Layer, EditionKey]]:
    """The editions whose overview is not what it should be, those that changed first first."""
    for layer, edition, _, right in _editions(connection, catalogue):
        if not right:
            yield layer, edition


def uncounted(
    connection: Connection[TupleRow], catalogue: Catalogue
) -> Iterator[tuple[Layer, EditionKey]]:
    """The editions whose overview is right, and what its tiles leave out not counted as it should."""
    for layer, edition, counted_by, right in _editions(connection, catalogue):
        if right and counted_by != counting_recipe(layer):
            yield layer, edition


def _editions(
    connection: Connection[TupleRow], catalogue: Catalogue
) -> Iterator[tuple[Layer, EditionKey, str | None, bool]]:
    """Each that has an overview, by what its counts were made, and whether the overview is right."""
    for name, edition, made_by, counted_by, shown in connection.execute(DUE).fetchall():
        layer = catalogue.layers.get(name)
        if layer is not None and has_overview(layer):
            right = shown and made_by == recipe(layer)
            yield layer, EditionKey(edition), counted_by, right
