"""Column names within the ten bytes that a Shapefile has for them, no two alike."""

from collections.abc import Iterator, Sequence

MAX_NAME = 10


def unique_names(names: Sequence[str], encoding: str) -> Iterator[bytes]:
    """Each name as it is where it fits, else cut between characters; a number tells equals apart.

    Names that fit are never changed by those that do not. Upper and lower case are alike, as
    readers take them. A character that the encoding lacks becomes an underscore.
    """
    fitting = [_encoded(name, encoding) for name in names]
    taken = {one.lower() for one in fitting if len(one) <= MAX_NAME}
    given: set[bytes] = set()
    for whole in fitting:
        found = whole
        if len(whole) > MAX_NAME or whole.lower() in given:
            found = _free(whole, encoding, taken | given)
        given.add(found.lower())
        yield found


def _free(whole: bytes, encoding: str, taken: set[bytes]) -> bytes:
    found, number = _cut(whole, MAX_NAME, encoding), 1
    while found.lower() in taken:
        end = b"_%d" % number
        found, number = _cut(whole, MAX_NAME - len(end), encoding) + end, number + 1
    return found


def _cut(whole: bytes, size: int, encoding: str) -> bytes:
    return whole[:size].decode(encoding, "ignore").encode(encoding)


def _encoded(name: str, encoding: str) -> bytes:
    return "".join(one if _is_in(one, encoding) else "_" for one in name).encode(encoding)


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
