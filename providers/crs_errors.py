"""Why a reference system, or coordinates in one, cannot be used; each message is for its caller."""

from providers.errors import Refused


class CrsError(Refused):
    """A reference system that cannot be used here; the message says why."""


class UnknownCrs(CrsError):
    """The text names no reference system that is known."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text[:200]!r} is not known; expected a URI like"
            " http://www.opengis.net/def/crs/OGC/1.3/CRS84 or"
            " http://www.opengis.net/def/crs/EPSG/0/4490"
        )


class NoOperation(CrsError):
    """There is no operation to storage but a guess."""

    def __init__(self, label: str, datum: str) -> None:
        super().__init__(
            f"{label} is on the datum {datum}, from which no operation that holds at this place"
            " leads to CGCS2000 or WGS 84: the coordinates would be guessed and may be 100 m off."
            " A registered datum shift with the parameters of the place is needed; or ask for the"
            " data in CGCS2000"
        )


class OutsideArea(CrsError):
    """Coordinates lie where the reference system is not used."""


class Contradiction(CrsError):
    """A file's coordinates cannot be in the reference system that it names."""


class MissingCrs(CrsError):
    """A file names no reference system, or one that tells no place on the earth."""
