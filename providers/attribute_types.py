"""Values of one column as a field's type; what is wrong is told apart row by row."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from config.model import Field
from config.vocabulary import FieldType

WIDE_DIGITS = "[\uff10-\uff19]"
WIDE = "[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]"  # full-width digits and letters
CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}]"  # all but tab and line ends
WHOLE = r"^[+-]?\d{1,18}$"
NUMBER = r"^[+-]?(\d{1,100}\.?\d{0,100}|\.\d{1,100})([eE][+-]?\d{1,2})?$"  # never beyond a double
DATES = (
    re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII),
    re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00:00.*)?", re.ASCII),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日", re.ASCII),
)
BOOLEANS = {"1": True, "0": False, "true": True, "false": False, "是": True, "否": False}
BEYOND_INTEGER = 2.0**31
EXACT_IN_DOUBLE = 2.0**53
DAYS = (date.min, date.max)
# Lists whose codes may be right-padded with zeros to so many digits: 用地用海分类, any of three levels.
PADDED_DIGITS = {"YDYH": 6}
SHOWN = 40
type Reasons = dict[int, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a field's type is stored, and which columns can be read as it."""

    storage: pa.DataType
    accepts: Callable[[pa.DataType], bool]


def type_of(field: Field) -> Kind:
    """The kind of a field."""
    return _KINDS[field.type]


def expected(field: Field) -> str:
    """What a field's values are, in words."""
    match field.type:
        case FieldType.TEXT if field.code_list is not None:
            return f"a code of {field.code_list.id}"
        case FieldType.TEXT:
            return "text" if field.length is None else f"text of at most {field.length} characters"
        case FieldType.INTEGER | FieldType.DECIMAL:
            word = "a whole number" if field.type is FieldType.INTEGER else "a number"
            bounds = " and ".join(f"{sign} {bound:g}" for sign, bound, _ in _bounds(field))
            return f"{word} {bounds}".rstrip()
        case FieldType.DATE:
            return "a date like 2024-12-31 or 20241231"
        case FieldType.INSTANT:
            return "a date-time with its offset"
        case FieldType.BOOLEAN:
            return "true or false"


def content_type(kind: pa.DataType) -> pa.DataType:
    """The type of a column's values, whether or not they are kept in a dictionary."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def textual(kind: pa.DataType) -> bool:
    """Whether a column holds text, or nothing at all."""
    return any(
        test(kind)
        for test in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_null,
        )
    )


def numeric(kind: pa.DataType) -> bool:
    """Whether a column holds numbers."""
    return any(
        test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    )


def typed_values(field: Field, values: pa.Array, *, coded: bool) -> tuple[pa.Array, Reasons]:
    """The values as the field's storage type, null where missing or wrong; reasons by row."""
    kind = values.type
    if pa.types.is_null(kind):
        return pa.nulls(len(values), type_of(field).storage), {}
    if pa.types.is_dictionary(kind):
        values = values.dictionary_decode()
        kind = values.type
    match field.type:
        case FieldType.TEXT:
            return _texts(field, plain_text(values), coded=coded)
        case FieldType.INTEGER | FieldType.DECIMAL:
            return _numbers(field, values)
        case FieldType.DATE if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return _dates(field, values)
        case FieldType.BOOLEAN if pa.types.is_boolean(kind):
            return values, {}
        case FieldType.DATE:
            return _each(field, plain_text(values), _date, pa.date32())
        case _:
            return _each(field, plain_text(values), lambda t: BOOLEANS[t.lower()], pa.bool_())


def plain_text(values: pa.Array) -> pa.Array:
    """Text without blanks around it; nothing but blanks is missing, and so is NaN."""
    if pa.types.is_floating(values.type):  # a whole number of a remark is written as such
        values = values.cast(pa.float64())
        whole = pc.and_(
            pc.equal(pc.floor(values), values), pc.less(pc.abs(values), EXACT_IN_DOUBLE)
        )
        digits = pc.cast(pc.if_else(whole, values, None), pa.int64()).cast(pa.string())
        said = pc.if_else(pc.is_nan(values), None, values).cast(pa.string())
        return pc.coalesce(digits, said)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    return pc.if_else(pc.equal(text, ""), None, text)


def _texts(field: Field, text: pa.Array, *, coded: bool) -> tuple[pa.Array, Reasons]:
    reasons: Reasons = {}

    def reject(wrong: pa.Array, what: str) -> None:
        _reject(reasons, wrong, lambda row: f"{shown(text[row].as_py())} {what}", field)

    reject(pc.match_substring_regex(text, CONTROLS), "has control characters")
    if coded or field.code_list is not None:
        reject(pc.match_substring_regex(text, WIDE_DIGITS), "has full-width digits")
        reject(pc.match_substring_regex(text, WIDE), "has full-width letters")
        reject(pc.invert(pc.utf8_is_printable(text)), "has unprintable characters")
    if field.code_list is not None:
        _reject_unlisted(field, text, reasons)
    if field.length is not None:
        reject(pc.greater(pc.utf8_length(text), field.length), "is too long")
    return text, reasons


def _reject_unlisted(field: Field, text: pa.Array, reasons: Reasons) -> None:
    """Codes that are not of the field's list; each distinct one is looked at once."""
    assert field.code_list is not None
    codes, digits = field.code_list.codes, PADDED_DIGITS.get(field.code_list.id)
    listed = pc.is_in(text, pa.array(list(codes), pa.string()))
    other = pc.and_(pc.is_valid(text), pc.invert(listed))
    if not pc.any(other).as_py():
        return
    wrong = {}
    for code in pc.unique(text.filter(other)).to_pylist():
        if digits is not None and len(code) == digits and _unpadded(code) & codes.keys():
            continue
        wrong[code] = f"{shown(code)} is not in the list; expected {expected(field)}"
        if digits is not None and (full := code.ljust(digits, "0")) in codes and full != code:
            wrong[code] += f": {full}, padded with zeros"
    for row in np.flatnonzero(other.to_numpy(zero_copy_only=False)).tolist():
        if (code := text[row].as_py()) in wrong:
            reasons.setdefault(row, wrong[code])


def _unpadded(code: str) -> set[str]:
    """The shorter codes, two digits a level, that padding makes this one."""
    found = set()
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
        found.add(code)
    return found


def _numbers(field: Field, values: pa.Array) -> tuple[pa.Array, Reasons]:
    storage, whole = type_of(field).storage, field.type is FieldType.INTEGER
    given = values
    reasons: Reasons = {}

    def keep(right: pa.Array, values: pa.Array, what: str) -> pa.Array:
        """The values that are right; each other one is told with what is wrong."""
        right = pc.fill_null(right, False)
        wrong = pc.and_(pc.is_valid(values), pc.invert(right))
        _reject(reasons, wrong, lambda row: f"{shown(given[row].as_py())} {what}", field)
        return pc.if_else(right, values, None)

    if textual(values.type):
        given = text = plain_text(values)
        wide = pc.match_substring_regex(text, WIDE)
        text = keep(pc.invert(wide), text, "has full-width digits or letters")
        if whole:
            text = keep(pc.match_substring_regex(text, WHOLE), text, "is not a whole number")
            values = pc.cast(pc.replace_substring_regex(text, r"^\+", ""), pa.int64())
        else:
            text = keep(pc.match_substring_regex(text, NUMBER), text, "is not a number")
            values = pc.cast(text, pa.float64())
    elif pa.types.is_decimal(values.type) or pa.types.is_boolean(values.type):
        values = values.cast(pa.float64())
    if pa.types.is_floating(values.type):
        values = keep(pc.is_finite(values), values, "is not a finite number")
        if whole:
            values = keep(pc.equal(pc.floor(values), values), values, "is not a whole number")
    doubles = pc.cast(values, pa.float64(), safe=False)
    if whole:
        values = keep(pc.less(pc.abs(doubles), BEYOND_INTEGER), values, "is beyond 32 bits")
    for _, bound, within in _bounds(field):
        values = keep(within(doubles, bound), values, "is out of range")
    if not whole and field.length is not None and field.decimals is not None:
        digits = field.length - field.decimals
        fits = pc.less(pc.abs(doubles), 10.0**digits)
        values = keep(fits, values, f"has more than {digits} digits before the point")
    return pc.cast(values, storage, safe=False), reasons


def _bounds(field: Field) -> list[tuple[str, float, Callable[[pa.Array, float], pa.Array]]]:
    bounds = (
        (">=", field.minimum, pc.greater_equal),
        (">", field.exclusive_minimum, pc.greater),
        ("<=", field.maximum, pc.less_equal),
        ("<", field.exclusive_maximum, pc.less),
    )
    return [(sign, bound, within) for sign, bound, within in bounds if bound is not None]


def _dates(field: Field, values: pa.Array) -> tuple[pa.Array, Reasons]:
    """Days of a calendar; a moment counts as its day where it was told."""
    days = values.cast(pa.date32(), safe=False)
    reasons: Reasons = {}
    first, last = pa.array(DAYS, pa.date32())
    right = pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last))
    _reject(reasons, pc.invert(right), lambda row: "a day beyond the years 1 to 9999", field)
    return pc.if_else(right, days, None), reasons


def _each(
    field: Field, text: pa.Array, read: Callable[[str], object], storage: pa.DataType
) -> tuple[pa.Array, Reasons]:
    """Texts read one by one, each distinct one once."""
    coded = text.dictionary_encode()
    found: list[object] = []
    wrong: dict[int, str] = {}
    misread = "is not a date" if field.type is FieldType.DATE else "is neither"
    for number, one in enumerate(coded.dictionary.to_pylist()):
        try:
            found.append(read(one))
        except (ValueError, KeyError):
            found.append(None)
            what = "has full-width digits or letters" if re.search(WIDE, one) else misread
            wrong[number] = f"{shown(one)} {what}; expected {expected(field)}"
    values = pa.array(found, storage).take(coded.indices)
    rows = enumerate(coded.indices.to_pylist() if wrong else ())
    return values, {row: wrong[number] for row, number in rows if number in wrong}


def _date(text: str) -> date:
    for pattern in DATES:
        if match := pattern.fullmatch(text):
            return date(*map(int, match.groups()))
    raise ValueError(text)


def _reject(reasons: Reasons, wrong: pa.Array, say: Callable[[int], str], field: Field) -> None:
    """Tell what is wrong in each row that nothing is told of yet."""
    flags = pc.fill_null(wrong, False).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(flags).tolist():
        if row not in reasons:
            reasons[row] = f"{say(row)}; expected {expected(field)}"


def shown(value: object) -> str:
    """A value as a reason shows it: text in quotation marks, cut where it is long."""
    if isinstance(value, str):
        return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")
    return str(value)


def _temporal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


_KINDS = {
    FieldType.TEXT: Kind(
        pa.string(),
        lambda k: textual(k) or numeric(k) or _temporal(k) or pa.types.is_boolean(k),
    ),
    FieldType.INTEGER: Kind(pa.int32(), lambda k: textual(k) or numeric(k)),
    FieldType.DECIMAL: Kind(pa.float64(), lambda k: textual(k) or numeric(k)),
    FieldType.DATE: Kind(pa.date32(), lambda k: textual(k) or numeric(k) or _temporal(k)),
    FieldType.BOOLEAN: Kind(
        pa.bool_(), lambda k: textual(k) or numeric(k) or pa.types.is_boolean(k)
    ),
}
