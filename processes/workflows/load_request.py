"""What is asked of a load, and how the same request is known again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, RegionCode
from processes.workflows.edition_facts import EditionFacts
from providers.editions import Edition
from providers.revisions import RevisionKind
from providers.staging import METHOD


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """One file for one edition of one layer, and how it is to be taken."""

    layer: Layer
    edition: EditionKey
    path: Path
    author: str
    facts: EditionFacts = field(default_factory=EditionFacts)
    file_layer: str | None = None
    srs: str | None = None
    encoding: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)  # the file's column -> field code
    constants: Mapping[str, str] = field(default_factory=dict)  # field code -> value of all rows
    region: RegionCode | None = None
    merge: bool = False
    issued_from_above: bool = False
    accept_rejects: bool = False
    dry_run: bool = False
    rejects: Path | None = None  # where rejected features are written
    note: str = ""

    @property
    def kind(self) -> RevisionKind:
        """How the rows come into the edition."""
        if self.merge:
            return RevisionKind.MERGE
        return RevisionKind.LOAD if self.region is None else RevisionKind.REGION


@dataclass(frozen=True, slots=True)
class LoadedBefore:
    """What the newest revision took from the same file in the same way."""

    read: int
    area_m2: float | None


DIVISIONS = "SELECT md5(string_agg(code, ',' ORDER BY code)) FROM onemap.region"
NEWEST = """
SELECT source FROM onemap.revision r JOIN onemap.edition e USING (layer, edition)
WHERE layer = %(layer)s AND edition = %(edition)s AND r.number = e.revision
"""


def recipe_of(
    connection: Connection[TupleRow],
    request: LoadRequest,
    edition: Edition,
    sha256: str,
    file_layer: str,
) -> str | None:
    """A digest of all that the rows are made from; None where the register's polygons matter, too."""
    layer = request.layer
    if layer.region == "overlap":
        return None
    row = connection.execute(DIVISIONS).fetchone()
    made_from = [
        sha256,
        file_layer,
        request.srs,
        request.encoding,
        sorted(request.renamed.items()),
        sorted(request.constants.items()),
        request.kind,
        request.region.value if request.region else None,
        edition.plan,
        edition.basis,
        repr(layer.specification),
        [layer.identity, layer.region],
        METHOD,
        row[0] if row else None,
    ]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def unchanged_since(
    connection: Connection[TupleRow], request: LoadRequest, recipe: str | None
) -> LoadedBefore | None:
    """What the edition's newest revision took, where it was made from the same; None: it was not."""
    if recipe is None:
        return None
    binds = {"layer": request.layer.id, "edition": request.edition}
    row = connection.execute(NEWEST, binds).fetchone()
    source = row[0] if row else {}
    if source.get("recipe") != recipe or source.get("rejected"):
        return None
    return LoadedBefore(source["read"], source.get("areaM2"))
