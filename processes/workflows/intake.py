"""From a file's batches to checked rows; what does not fit is kept with its reasons."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from config.model import Layer
from config.vocabulary import GeometryKind
from providers.attributes import ColumnMatch, identities, match_columns, region_codes, typed
from providers.crs_ways import StorageWay
from providers.errors import LoadRejected, Refused
from providers.files import Batch
from providers.shapes import ShapeRules, checked_shapes, shape_rules
from providers.staging import CheckedRows

MAX_DETAILED = 10_000  # rejected or repaired features of which number and reasons are kept
BATCH_ROWS = 8_000
SAMPLED_PER_BATCH, MAX_SAMPLED = 200, 2_000


class Features(Protocol):
    """What rows are read from: a file, or a table that was made here."""

    @property
    def columns(self) -> Mapping[str, pa.DataType]: ...

    @property
    def features(self) -> int | None: ...

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[Batch]: ...


@dataclass(slots=True)
class Rejects:
    """Features that were not taken, by their number in the file."""

    count: int = 0
    reasons: dict[int, list[str]] = field(default_factory=dict)  # the first MAX_DETAILED

    def add(self, number: int, reasons: Iterable[str]) -> None:
        self.count += 1
        if len(self.reasons) < MAX_DETAILED:
            self.reasons[number] = list(reasons)

    def add_all(self, found: Mapping[int, str]) -> None:
        for number, reason in sorted(found.items()):
            self.add(number, [reason])

    def refuse(self, layer: Layer) -> None:
        """LoadRejected where anything was rejected."""
        if self.count:
            findings = [f"row {n}: {'; '.join(why)}" for n, why in self.reasons.items()]
            raise LoadRejected(layer.id, findings)


@dataclass(slots=True)
class Sample:
    """Some of the stored features with the regions they claim, for the test of plausibility."""

    geometry: list[shapely.Geometry] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def add(self, geometry: NDArray[np.object_] | None, regions: pa.Array) -> None:
        """Take evenly from a batch what has a region."""
        room = min(SAMPLED_PER_BATCH, MAX_SAMPLED - len(self.geometry))
        if geometry is None or room <= 0:
            return
        claimed = [row for row, code in enumerate(regions.to_pylist()) if code is not None]
        for row in claimed[:: max(1, len(claimed) // room)][:room]:
            self.geometry.append(geometry[row])
            self.regions.append(regions[row].as_py())


@dataclass(slots=True, kw_only=True)
class Intake:
    """One reading of a source for one layer: its columns, its way to storage, and what was met."""

    layer: Layer
    source: Features
    match: ColumnMatch
    way: StorageWay | None  # None: stored coordinates already, or a table
    renamed: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    rules: ShapeRules = field(default_factory=shape_rules)
    sample: Sample = field(default_factory=Sample)
    read: int = 0
    repaired: dict[int, str] = field(default_factory=dict)
    repaired_count: int = 0

    @classmethod
    def of(
        cls,
        layer: Layer,
        source: Features,
        way: StorageWay | None,
        *,
        renamed: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
    ) -> "Intake":
        """An intake whose columns fit the layer's fields; ColumnsRefused lists what does not."""
        renamed, constants = renamed or {}, constants or {}
        _check_names(source.columns, renamed, constants)
        columns = {renamed.get(name, name): kind for name, kind in source.columns.items()}
        columns |= dict.fromkeys(constants, pa.string())
        return cls(
            layer=layer,
            source=source,
            match=match_columns(layer, columns),
            way=way,
            renamed=renamed,
            constants=constants,
        )


def _check_names(
    columns: Mapping[str, pa.DataType], renamed: Mapping[str, str], constants: Mapping[str, str]
) -> None:
    """Refused where a mapped column is not there, or would hide another."""
    if missing := sorted(set(renamed) - set(columns)):
        raise Refused(
            f"--map: the file has no column {', '.join(missing)}; it has {', '.join(columns)}."
        )
    named = [*(c for c in columns if c not in renamed), *renamed.values(), *constants]
    plain = [name.strip().casefold() for name in named]
    if twice := sorted({name for name in named if plain.count(name.strip().casefold()) > 1}):
        raise Refused(f"--map, --set: {', '.join(twice)} would be there twice.")


def checked_batches(intake: Intake, rejects: Rejects) -> Iterator[CheckedRows]:
    """The source's rows that satisfy the layer's specification, batch by batch."""
    for batch in intake.source.batches(BATCH_ROWS):
        yield _checked(intake, batch, rejects)


def _checked(intake: Intake, batch: Batch, rejects: Rejects) -> CheckedRows:
    layer, count = intake.layer, batch.count
    columns = {intake.renamed.get(name, name): values for name, values in batch.columns.items()}
    for code, value in intake.constants.items():
        columns[code] = pa.array([value] * count, pa.string())
    found = typed(layer, intake.match, columns, count)
    wrong: dict[int, list[str]] = {row: list(why) for row, why in found.rejected.items()}

    def reject(reasons: Mapping[int, str]) -> None:
        for row, reason in reasons.items():
            wrong.setdefault(row, []).append(reason)

    reject(batch.unreadable)
    geometry: NDArray[np.object_] | None = None
    if layer.geometry is not GeometryKind.NONE:
        given = batch.geometry
        if given is None:
            given = np.full(count, None, dtype=object)
        shapes = checked_shapes(layer, _moved(intake, given), intake.rules)
        geometry = shapes.geometry
        reject({row: why for row, why in shapes.rejected.items() if row not in batch.unreadable})
        for row, what in shapes.repaired.items():
            if row not in wrong:
                intake.repaired_count += 1
                if len(intake.repaired) < MAX_DETAILED:
                    intake.repaired[batch.first + row] = what
    ids, unnamed = identities(layer, found, geometry)
    reject({row: why for row, why in unnamed.items() if row not in wrong})
    regions, misplaced = region_codes(layer, found, count)
    reject(misplaced)
    intake.read += count
    for row in sorted(wrong):
        rejects.add(batch.first + row, wrong[row])
    kept = np.ones(count, dtype=np.bool_)
    kept[list(wrong)] = False
    mask = pa.array(kept)
    taken = None if geometry is None else geometry[kept]
    intake.sample.add(taken, regions.filter(mask))
    return CheckedRows(
        numbers=np.flatnonzero(kept) + batch.first,
        ids=ids.filter(mask),
        regions=regions.filter(mask),
        columns={code: values.filter(mask) for code, values in found.columns.items()},
        geometry=taken,
    )


def _moved(intake: Intake, geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    """Geometries as stored; what has no finite coordinates stays as it is, to be rejected."""
    if intake.way is None:
        return geometry
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    moved = geometry.copy()
    moved[finite] = intake.way.move(geometry[finite])
    return moved
