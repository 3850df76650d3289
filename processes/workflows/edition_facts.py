"""What an edition will say of itself after a load: given facts over held ones over defaults."""

import re
from dataclasses import dataclass, replace
from datetime import date

from psycopg import Connection
from psycopg.rows import TupleRow

from config.model import Layer
from config.vocabulary import EditionKey, EditionStatus, Issuer, RegionCode, Text
from providers.editions import Edition
from providers.errors import Refused
from providers.plans import known_plans

YEAR = re.compile(r"(19|20)\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionFacts:
    """What the caller says of the edition; None: as it was, or the default."""

    title_zh: str | None = None
    title_en: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    status: EditionStatus | None = None
    document: str | None = None
    plan: str | None = None
    basis: str | None = None
    released: date | None = None
    covers: RegionCode | bytes | None = None  # a division, or WKB of a multipolygon (EPSG:4490)


def edition_to_be(
    connection: Connection[TupleRow],
    layer: Layer,
    key: EditionKey,
    facts: EditionFacts,
    held: Edition | None,
    *,
    issued_from_above: bool,
    region: RegionCode | None,
) -> Edition:
    """The edition as the load will declare it.

    Raises
    ------
    Refused
        Where something that must be said is not, or cannot be so.
    """
    base = held or _new(layer, key, facts, Issuer.ABOVE if issued_from_above else Issuer.OWN)
    if issued_from_above and base.issuer is not Issuer.ABOVE:
        raise Refused(
            f"{layer.id}.{key} is the bureau's own edition; an issued copy (下发版) needs an"
            " edition of its own, for example --edition issued_2023."
        )
    edition = replace(
        base,
        valid_from=facts.valid_from or base.valid_from,
        valid_to=facts.valid_to or base.valid_to,
        status=facts.status or base.status,
        document=facts.document if facts.document is not None else base.document,
        plan=facts.plan or base.plan,
        basis=facts.basis or base.basis,
        released=facts.released or base.released,
    )
    title = Text(zh=facts.title_zh or base.title.zh, en=facts.title_en or base.title.en)
    edition = replace(edition, title=title)
    if edition.valid_to is not None and edition.valid_to < edition.valid_from:
        raise Refused(
            f"{layer.id}.{key} would end on {edition.valid_to}, before it begins"
            f" on {edition.valid_from}."
        )
    _check_plan(connection, layer, edition)
    return replace(edition, coverage=_coverage(connection, edition, facts, region))


def _new(layer: Layer, key: EditionKey, facts: EditionFacts, issuer: Issuer) -> Edition:
    start, year = facts.valid_from, YEAR.fullmatch(key)
    if start is None and year and layer.plan == "none":
        start = date(int(key), 12, 31)  # 时点: a survey says what there was on the year's last day
    if start is None:
        raise Refused(
            f"{layer.id}.{key} is a new edition; say from which day it is valid with"
            " --valid-from YYYY-MM-DD."
        )
    title = Text(zh=f"{key}年" if year else key, en=key)
    return Edition(
        layer=layer.id,
        key=key,
        title=title,
        valid_from=start,
        valid_to=None,
        status=EditionStatus.IN_FORCE,
        issuer=issuer,
        document="",
    )


def _check_plan(connection: Connection[TupleRow], layer: Layer, edition: Edition) -> None:
    if layer.plan == "required" and edition.plan is None:
        raise Refused(
            f"{layer.id} is a layer of plan results: say with --plan to which plan of the register"
            " its features belong (onemap plan list)."
        )
    if edition.plan is not None and edition.plan not in known_plans(connection, [edition.plan]):
        raise Refused(
            f"The plan register has no plan {edition.plan!r} (onemap plan list, plan add)."
        )


# A region that is covered already leaves the coverage as it is, to the last bit: loading it again
# changes no fact of the edition.
COVERAGE = """
WITH held AS (SELECT ST_GeomFromWKB(%(held)s::bytea, 4490) AS g),
region AS (SELECT geom AS g FROM onemap.region WHERE code = %(code)s AND geom IS NOT NULL
    ORDER BY (valid_from <= %(day)s AND coalesce(valid_to >= %(day)s, true)) DESC, valid_from DESC
    LIMIT 1)
SELECT ST_AsBinary(CASE WHEN held.g IS NULL THEN ST_Multi(region.g)
    WHEN ST_Area(ST_Difference(region.g, held.g)) < 1e-12 THEN held.g
    ELSE ST_Multi(ST_CollectionExtract(ST_Union(held.g, region.g), 3)) END)
FROM region, held
"""


def _coverage(
    connection: Connection[TupleRow],
    edition: Edition,
    facts: EditionFacts,
    region: RegionCode | None,
) -> bytes | None:
    """Where the edition says all there is: what is named, or what it had and the region loaded."""
    if isinstance(facts.covers, bytes):
        return facts.covers
    code = facts.covers or region
    if code is None:
        return edition.coverage
    held = edition.coverage if facts.covers is None else None
    binds = {"held": held, "code": code.value, "day": edition.valid_from}
    row = connection.execute(COVERAGE, binds).fetchone()
    if row is None or row[0] is None:
        if facts.covers is not None:
            raise Refused(f"The region register has no polygon for {code.value} (--covers).")
        return edition.coverage
    return bytes(row[0])
