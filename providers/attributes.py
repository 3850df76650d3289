"""From a file's columns to a layer's fields: matched by name, typed, and checked value by value."""

import dataclasses
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from config.model import Field, Layer
from config.vocabulary import FieldType, RegionCode
from providers.attribute_types import (
    content_type,
    expected,
    numeric,
    shown,
    textual,
    type_of,
    typed_values,
)
from providers.errors import Refused

DBF_NAME_BYTES = 10
MAX_IDENTITY = 200
OWNER_CODE_DIGITS = 19  # 权属、坐落单位代码: a village's twelve digits and seven more
# what GIS software adds by itself
UNREMARKED = frozenset(
    {"fid", "ogc_fid", "objectid", "shape_length", "shape_area", "shape_leng", "shape_le_1"}
)


class ColumnsRefused(Refused):
    """A file's columns do not make the layer's fields; every finding at once."""

    def __init__(self, layer: Layer, findings: Iterable[str]) -> None:
        self.findings = tuple(findings)
        super().__init__(f"{layer.id}: the columns do not fit:\n  " + "\n  ".join(self.findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMatch:
    """Which column of a file is which field."""

    used: Mapping[str, str]  # field code -> the file's column
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Values of the fields' types, by field code, and what was wrong in which row."""

    columns: Mapping[str, pa.Array]
    rejected: Mapping[int, list[str]]


def match_columns(layer: Layer, columns: Mapping[str, pa.DataType]) -> ColumnMatch:
    """The field of each column: by code in any case, titles, aliases, or a name cut to ten bytes.

    Raises
    ------
    ColumnsRefused
        Where a required field has no column, a field two, a column two fields, or a field whose
        values are codes is stored as numbers, which have lost their leading zeros.
    """
    matching = _Matching(fields=layer.fields, left=list(columns))
    matching.take(_codes, sure=True)
    matching.take(_official_titles, sure=True)
    matching.take(_other_names, sure=False)
    matching.take(_cut_names, sure=False)
    findings, used = matching.findings, matching.used
    for field in layer.fields:
        if field.code in used:
            kind = content_type(columns[used[field.code]])
            findings += _misfit(layer, field, used[field.code], kind)
        elif (field.required or field.code in layer.identity) and field not in matching.unclear:
            findings.append(f"{named(field)} is required, and no column is it")
    ignored = tuple(c for c in matching.left if c.casefold() not in UNREMARKED)
    if findings:
        if ignored:
            findings.append(f"columns that are no field: {', '.join(ignored)} (--map COLUMN=FIELD)")
        raise ColumnsRefused(layer, findings)
    return ColumnMatch(used=used, ignored=ignored)


@dataclass(slots=True, kw_only=True)
class _Matching:
    """Columns on their way to their fields, from the surest kind of name to the least sure."""

    fields: tuple[Field, ...]
    left: list[str]
    used: dict[str, str] = dataclasses.field(default_factory=dict)
    unclear: list[Field] = dataclasses.field(default_factory=list)
    findings: list[str] = dataclasses.field(default_factory=list)

    def take(self, names: Callable[[Field], Iterable[str]], *, sure: bool) -> None:
        """Give columns to the fields of such names.

        A field that has its column by a surer name is passed over; where these names are sure, too,
        it has two columns.
        """
        fields: dict[str, list[Field]] = defaultdict(list)
        for field in self.fields:
            for name in {_folded(name) for name in names(field)}:
                fields[name].append(field)
        before = frozenset(self.used)
        for column in tuple(self.left):
            fitting = fields.get(_folded(column), [])
            free = [field for field in fitting if field.code not in before]
            if len(free) > 1:
                could = " and ".join(map(named, free))
                self.findings.append(
                    f"the column {column} could be both {could}"
                    f" (say which with --map {column}={free[0].code})"
                )
                self.unclear += free
                self.left.remove(column)
            elif free or (fitting and sure):
                self._give(column, *(free or fitting[:1]))

    def _give(self, column: str, field: Field) -> None:
        if (other := self.used.setdefault(field.code, column)) != column:
            self.findings.append(
                f"{named(field)}: both {other} and {column} could be it (rename the one that is not)"
            )
        self.left.remove(column)


def _misfit(layer: Layer, field: Field, column: str, kind: pa.DataType) -> list[str]:
    """What is wrong with the type of a field's column: nothing, or one finding."""
    if _coded(layer, field):
        if numeric(kind):
            return [
                f"{named(field)}: the column {column} holds numbers ({kind}), but codes are text:"
                " their leading zeros are lost (make it a text column and fill it again from its"
                " source)"
            ]
        fits = textual(kind)
    else:
        fits = type_of(field).accepts(kind)
    if fits:
        return []
    return [f"{named(field)}: the column {column} holds {kind}; expected {expected(field)}"]


def typed(layer: Layer, match: ColumnMatch, columns: Mapping[str, pa.Array], count: int) -> Typed:
    """The values of one batch as their fields' types; a row with a reason is not to be taken."""
    result: dict[str, pa.Array] = {}
    rejected: dict[int, list[str]] = {}
    for field in layer.fields:
        column = match.used.get(field.code)
        given = columns[column] if column is not None else pa.nulls(count, pa.string())
        values, reasons = typed_values(field, given, coded=_coded(layer, field))
        if field.required:
            for row in _rows(pc.is_null(values)):
                reasons.setdefault(row, f"is missing; expected {expected(field)}")
        for row, reason in reasons.items():
            rejected.setdefault(row, []).append(f"{named(field)}: {reason}")
        result[field.code] = values
    return Typed(columns=result, rejected=rejected)


def identities(
    layer: Layer, found: Typed, geometry: NDArray[np.object_] | None
) -> tuple[pa.Array, dict[int, str]]:
    """The business id of each row: its identity fields joined by "-", or a digest of its geometry.

    The digest is the first 32 hexadecimal digits of the SHA-256 of the normalised geometry's WKB;
    a row without geometry has none.
    """
    reasons: dict[int, str] = {}
    if not layer.identity:
        assert geometry is not None, "a table layer names its identity"
        wkb = shapely.to_wkb(shapely.normalize(geometry), output_dimension=2).tolist()
        names = [None if one is None else hashlib.sha256(one).hexdigest()[:32] for one in wkb]
        return pa.array(names, pa.string()), reasons
    texts = [pc.cast(found.columns[code], pa.string()) for code in layer.identity]
    ids = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "-")
    for row in _rows(pc.is_null(ids)):
        reasons[row] = f"the identity ({', '.join(layer.identity)}) is missing"
    for row in _rows(pc.invert(pc.utf8_is_printable(ids))):
        reasons[row] = f"the identity {shown(ids[row].as_py())} has unprintable characters"
    for row in _rows(pc.greater(pc.utf8_length(ids), MAX_IDENTITY)):
        reasons[row] = f"the identity is longer than {MAX_IDENTITY} characters"
    return ids, reasons


def region_codes(layer: Layer, found: Typed, count: int) -> tuple[pa.Array, dict[int, str]]:
    """The division codes that the region's field gives, without padding zeros; null where none."""
    if (field := layer.field(layer.region)) is None:
        return pa.nulls(count, pa.string()), {}
    coded = pc.cast(found.columns[field.code], pa.string()).dictionary_encode()
    given = coded.dictionary.to_pylist()
    plain = [_division(code) for code in given]
    wrong = {n for n, code in enumerate(plain) if code is None}
    reasons = {
        row: f"{named(field)}: {shown(given[number])} is no division code of 6, 9 or 12 digits"
        for row, number in enumerate(coded.indices.to_pylist() if wrong else ())
        if number in wrong
    }
    return pa.array(plain, pa.string()).take(coded.indices), reasons


def named(field: Field) -> str:
    """A field as a person knows it: its code and Chinese title."""
    return f"{field.code} {field.title.zh}"


def _division(code: str) -> str | None:
    """The code of 6, 9 or 12 digits in a padded one; an owner's code begins with a village's."""
    if len(code) == OWNER_CODE_DIGITS:
        code = code[:12]
    while len(code) > 6 and code.endswith("000"):
        code = code[:-3]
    try:
        return RegionCode(code).value
    except ValueError:
        return None


def _coded(layer: Layer, field: Field) -> bool:
    """Whether the field's values are codes: nothing in them may be lost or look alike."""
    return field.type is FieldType.TEXT and (
        field.code_list is not None
        or field.code in layer.identity
        or field.code == layer.region
        or field.code.endswith("DM")  # 代码, in the pinyin of the standards
        or field.code == "BSM"  # 标识码
    )


def _rows(flags: pa.Array) -> list[int]:
    """The rows of which something is true."""
    rows: list[int] = np.flatnonzero(
        pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    ).tolist()
    return rows


def _folded(name: str) -> str:
    """A name with what does not tell names apart taken away: case, width, blanks around it."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _codes(field: Field) -> Iterable[str]:
    return (field.code,)


def _official_titles(field: Field) -> Iterable[str]:
    return (field.title.zh,)


def _other_names(field: Field) -> Iterable[str]:
    return (field.title.en, *field.aliases)


def _cut_names(field: Field) -> Iterator[str]:
    """The beginnings that the ten bytes of a Shapefile's column leave of the names."""
    for name in (field.code, field.title.zh, field.title.en, *field.aliases):
        for encoding in ("utf-8", "gb18030"):
            whole = name.encode(encoding)
            if len(whole) > DBF_NAME_BYTES:
                yield whole[:DBF_NAME_BYTES].decode(encoding, "ignore")
