"""The encoding of a file's text: what is declared, what the bytes are, and which of them holds."""

import codecs
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from providers.source_file import FileRefused

BYTES = "ISO-8859-1"  # every byte is one character of it: the way to the bytes as they are
CANDIDATES = ("utf-8", "gb18030")
MAX_JUDGED = 200_000  # texts that are not plain ASCII; more say nothing new
CODE_PAGES = {"936": "gb18030", "54936": "gb18030", "65001": "utf-8", "88591": "iso8859-1"}
UNDECLARED = ("none", "ansi", "oem", "")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The encoding to read with, and what is to be said about it."""

    encoding: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Fit:
    """How many texts an encoding can decode, and how many of them then look like Chinese."""

    decoded: int = 0
    chinese: int = 0


def known(text: str) -> str | None:
    """An encoding under any of its names; GB2312 and GBK are read as GB18030, which holds them."""
    name = text.strip().lower().replace(" ", "")
    if name.isdigit():
        name = CODE_PAGES.get(name, f"cp{name}")
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if not codec._is_text_encoding:  # hex, zip and the like
        return None
    return "gb18030" if codec.name in ("gbk", "gb2312", "gb18030", "cp936") else codec.name


def wanted_encoding(text: str | None) -> str | None:
    """The encoding that the caller names; refused where there is none of that name."""
    if text is None:
        return None
    found = known(text)
    if found is None:
        raise FileRefused(f"{text!r} is no known encoding; for example UTF-8 or GB18030.")
    return found


def judge(
    texts: Iterable[bytes], name: str, *, said: str | None, by: str, wanted: str | None
) -> Judgement:
    """Which encoding texts are in.

    What the caller wants holds; a declaration (*said*, *by* whom) holds unless the bytes
    contradict it; without one it is UTF-8 where all text is valid so, else GB18030. A text that
    ends in the middle of a character speaks neither for nor against.

    Raises
    ------
    FileRefused
        Where most of the text cannot be decoded in the encoding that would hold.
    """
    named = [one for one in (wanted, said) if one is not None]
    fits = {one: _Fit() for one in dict.fromkeys((*CANDIDATES, *named))}
    total = 0
    for text in texts:
        if text.isascii():
            continue
        total += 1
        for encoding, fit in fits.items():
            _try(text, encoding, fit)
        if total >= MAX_JUDGED:
            break
    if total == 0:
        return Judgement(wanted or said or "utf-8")
    best = _best(fits, total)
    if wanted is not None:
        return _as_wanted(wanted, fits, best, total, name)
    if said is not None and _holds(said, fits, best, total):
        return Judgement(said)
    if fits[best].decoded * 2 < total:
        tried = said.upper() if said else "UTF-8 nor GB18030"
        raise FileRefused(f"{name}: its text is not {tried}; name its encoding with --encoding.")
    if said is None:
        return Judgement(best, (f"no encoding is declared; the text is read as {best.upper()}",))
    return Judgement(
        best,
        (f"{by} says {said.upper()}, the text is {best.upper()}; read as {best.upper()}",),
    )


def _best(fits: Mapping[str, _Fit], total: int) -> str:
    """UTF-8 where all text is valid so: GB18030 text is that by accident in a word or two only."""
    utf8, gb18030 = fits["utf-8"], fits["gb18030"]
    if utf8.decoded == total:
        return "utf-8"
    better = gb18030.decoded + gb18030.chinese > utf8.decoded + utf8.chinese
    return "gb18030" if better else "utf-8"


def _holds(said: str, fits: Mapping[str, _Fit], best: str, total: int) -> bool:
    """Whether a declaration agrees with the bytes."""
    if said == best:
        return fits[said].decoded * 2 >= total
    if said in CANDIDATES:
        other = fits[best]
        return fits[said].decoded == total and fits[said].chinese >= other.chinese
    return fits[said].decoded == total and fits[best].chinese * 2 < total


def _as_wanted(
    wanted: str, fits: Mapping[str, _Fit], best: str, total: int, name: str
) -> Judgement:
    if fits[wanted].decoded * 2 >= total:
        return Judgement(wanted)
    better = fits[best].decoded > fits[wanted].decoded
    raise FileRefused(
        f"{name}: {total - fits[wanted].decoded:,} of {total:,} texts are not {wanted.upper()}"
        + (f"; they are {best.upper()}." if better else ".")
    )


def _try(text: bytes, encoding: str, fit: _Fit) -> None:
    try:
        found = codecs.getincrementaldecoder(encoding)().decode(text)
    except UnicodeDecodeError:
        return
    fit.decoded += 1
    fit.chinese += _chinese(found)


def _chinese(text: str) -> bool:
    """Whether all that is not ASCII is of GB 2312, some of it an ideograph."""
    if not any("\u4e00" <= character <= "\u9fff" for character in text):
        return False
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def decoded(values: pa.Array, encoding: str) -> tuple[pa.Array, dict[int, str]]:
    """Texts that were read as bytes, in their encoding; rows that cannot be decoded, and why.

    *values* are binary, or strings in which each character stands for one byte (`BYTES`).
    """
    binary = pa.types.is_binary(values.type)
    if not binary and pc.all(pc.string_is_ascii(values), min_count=0).as_py() is not False:
        return values.cast(pa.string()), {}
    coded = values.dictionary_encode()
    texts: list[str | None] = []
    broken: dict[int, str] = {}
    for number, one in enumerate(coded.dictionary.to_pylist()):
        raw: bytes = one if binary else one.encode(BYTES)
        try:
            texts.append(raw.decode(encoding))
        except UnicodeDecodeError:
            texts.append(None)
            broken[number] = _why(raw, encoding)
    result = pa.array(texts, pa.string()).take(coded.indices)
    return result, _by_row(coded, broken)


def checked_text(values: pa.Array) -> tuple[pa.Array, dict[int, str]]:
    """Texts of a format whose text is UTF-8; rows that are not, and what is cut out of them."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return decoded(values.view(pa.binary()), "utf-8")
    return values, {}


def text_name(name: bytes, encoding: str) -> str:
    """A column's name; its length may have cut the last character."""
    for one in (encoding, *CANDIDATES):
        try:
            return str(codecs.getincrementaldecoder(one)().decode(name))
        except UnicodeDecodeError:
            continue
    return name.decode(encoding, "replace")


def _why(raw: bytes, encoding: str) -> str:
    shown = raw[:30].decode(encoding, "replace")
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return f"the text {shown!r} is not {encoding.upper()}"
    return f"the text {shown!r} is cut in the middle of a character after {len(raw)} bytes"


def _by_row(coded: Any, broken: Mapping[int, str]) -> dict[int, str]:
    if not broken:
        return {}
    rows = enumerate(coded.indices.to_pylist())
    return {row: broken[number] for row, number in rows if number in broken}
