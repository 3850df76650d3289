"""One form of bytes for equal JSON documents, and the hash by which a document is known."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

SEAL = "hash"  # the member that holds the hash of all others
# Outside of strings a fraction of zero, and a sign before zero, say nothing. What is kept comes in
# runs, strings as wholes, so that a long text has few of them.
KEPT = (
    rb'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    rb'|[^".-]++'
    rb"|\.(?!0(?![0-9e]))"
    rb"|-(?!0(?:\.0)?(?![0-9.e])))++"
)
TOLD = re.compile(rb"(" + KEPT + rb")|\.0|-", re.DOTALL)
# So ends a fraction of zero, the only one written with a sign as well. Where none is, nothing is taken
# out: a long text is looked through for that in a fraction of the time.
ENDS = (b".0,", b".0]", b".0}")
MAX_INTEGER, MIN_INTEGER = 2**64 - 1, -(2**63)


def canonical_bytes(document: Any) -> bytes:
    r"""JSON text that is the same for equal documents, however they were written.

    Parameters
    ----------
    document : Any
        Values that JSON has: objects by text keys, arrays, text, numbers, true, false, null.

    Returns
    -------
    bytes
        UTF-8 without white space; members in the order of their keys' code points; numbers in
        their shortest form that reads back to the same value, whole ones without a fraction
        (up to 10**15; beyond, an exponent stands). Not-a-number and infinity are null, as in
        any JSON.

    Raises
    ------
    ValueError
        For values that JSON does not have, integers beyond 64 bits, and nesting of more than
        254 levels.

    Notes
    -----
    Much as in RFC 8785 (JSON Canonicalization Scheme): what a browser reads and writes again
    keeps its hash, as `1.0` and `1` are one number there.

    Examples
    --------
    >>> canonical_bytes({"b": [1.0, -0.0, 0.5], "a": "1.0,\n面积"}).decode()
    '{"a":"1.0,\\n面积","b":[1,0,0.5]}'
    >>> canonical_bytes({})
    b'{}'
    """
    try:
        text = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(f"no JSON document: {error}") from None
    told = any(end in text for end in ENDS) or text.endswith(b".0")
    return TOLD.sub(rb"\1", text) if told else text


def spliced(document: Mapping[str, Any], member: str, array: bytes) -> tuple[bytes, bytes, bytes]:
    """The canonical bytes of a document in three parts, of which an array is there as such.

    Parameters
    ----------
    document : Mapping
        A JSON object without the member *member*.
    member : str
        The name of the array.
    array : bytes
        Its canonical bytes.

    Returns
    -------
    tuple of bytes
        What stands before the array, the array, and what stands behind it: together what
        `canonical_bytes` gives of the whole.

    Raises
    ------
    ValueError
        As in `canonical_bytes`.

    Examples
    --------
    >>> b"".join(spliced({"a": 1, "c": 3}, "b", b"[2,{}]")).decode()
    '{"a":1,"b":[2,{}],"c":3}'
    >>> b"".join(spliced({}, "b", b"[]")).decode()
    '{"b":[]}'
    """
    before = canonical_bytes({name: value for name, value in document.items() if name < member})
    after = canonical_bytes({name: value for name, value in document.items() if name > member})
    head = before[:-1] + (b"," if len(before) > len(b"{}") else b"")
    tail = (b"," if len(after) > len(b"{}") else b"") + after[1:]
    return head + canonical_bytes(member) + b":", array, tail


def digest(document: Mapping[str, Any]) -> str:
    """The hash of a document over all of its members but `hash` itself.

    Parameters
    ----------
    document : Mapping
        A JSON object, sealed or not.

    Returns
    -------
    str
        SHA-256 of the canonical bytes, 64 hexadecimal digits.

    Raises
    ------
    ValueError
        As in `canonical_bytes`.

    Examples
    --------
    >>> digest({"a": 1, "hash": "x"}) == digest({"a": 1.0})
    True
    >>> digest({})
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    unsealed = {name: value for name, value in document.items() if name != SEAL}
    return hashlib.sha256(canonical_bytes(unsealed)).hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its own hash as a member, behind `kind` where it has one.

    Examples
    --------
    >>> list(sealed({"kind": "x", "a": 1}))
    ['kind', 'hash', 'a']
    """
    rest = {name: value for name, value in document.items() if name not in ("kind", SEAL)}
    kind = {"kind": document["kind"]} if "kind" in document else {}
    return {**kind, SEAL: digest(document), **rest}


def sealed_with(document: Mapping[str, Any], member: str, items: Sequence[bytes]) -> dict[str, Any]:
    """As `sealed`, of a document with an array whose items are canonical bytes already.

    The array is an `orjson.Fragment`: it is written as it is, and not there to be read.

    Examples
    --------
    >>> whole = sealed_with({"kind": "x", "a": 1}, "b", [b"2"])
    >>> orjson.loads(orjson.dumps(whole)) == sealed({"kind": "x", "a": 1, "b": [2]})
    True
    """
    array = b"[%b]" % b",".join(items)
    total = hashlib.sha256()
    rest = {name: value for name, value in document.items() if name not in (SEAL, member)}
    for part in spliced(rest, member, array):
        total.update(part)
    kind = {"kind": rest["kind"]} if "kind" in rest else {}
    return {**kind, SEAL: total.hexdigest(), **rest, member: orjson.Fragment(array)}


def stated_and_computed(content: bytes) -> tuple[str | None, str]:
    r"""The hash that a document's JSON text states, and the one that it has.

    Parameters
    ----------
    content : bytes
        JSON text in UTF-8 of any origin.

    Returns
    -------
    tuple
        The member `hash` (None: the text is no object, or the member no text), and the digest
        (empty where the first is None).

    Raises
    ------
    ValueError
        For what is no JSON text or names a member twice, and as in `canonical_bytes`.

    Examples
    --------
    >>> stated_and_computed(b'{"a": 1.0, "hash": "x"}') == ("x", digest({"a": 1}))
    True
    >>> stated_and_computed(b"[]")
    (None, '')
    >>> stated_and_computed(b'{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the member 'a' stands twice in one object
    """
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None
    stated = document.get(SEAL) if isinstance(document, dict) else None
    return (stated, digest(document)) if isinstance(stated, str) else (None, "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members: what stands twice is read differently by different readers."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counted = Counter(name for name, _ in pairs)
        name = next(name for name, count in counted.items() if count > 1)
        raise ValueError(f"the member {name[:100]!r} stands twice in one object")
    return found


def _integer(text: str) -> int | float:
    """As browsers write numbers: a long row of digits may be any number."""
    value = int(text) if len(text) <= 20 else MAX_INTEGER + 1
    return value if MIN_INTEGER <= value <= MAX_INTEGER else float(text)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")
