"""Parcels as the coordinate text that land approvals are filed with (界址点坐标 TXT)."""

import re
from collections.abc import Iterable, Mapping

from processes.algorithms.boundary_point_text import ATTRIBUTES, COORDINATES, MARK, NUMBER
from processes.algorithms.survey_parcels import SurveyParcel

DEFAULT_DECIMALS, MAX_DECIMALS = 3, 6


def write_boundary_points(
    header: Mapping[str, str], parcels: Iterable[SurveyParcel], decimals: int | None = None
) -> str:
    """Parcels as a coordinate text, the way back of `read_boundary_points`.

    Parameters
    ----------
    header : mapping
        What the text says of itself, in its order.
    parcels : iterable of SurveyParcel
        Points as (east, north) in metres, written as X (north), Y (east).
    decimals : int, optional
        Of the coordinates; otherwise as many as the header's 精度 has, else 3.

    Returns
    -------
    str
        With line ends of Windows, as the programs that read it write it.

    Examples
    --------
    >>> import numpy as np
    >>> from processes.algorithms.survey_parcels import SurveyRing
    >>> ring = SurveyRing(number=1, names=("J1",), points=np.array([[443667.35, 4851838.5]]))
    >>> text = write_boundary_points({}, [SurveyParcel(rings=(ring,), number="1", name="甲")])
    >>> text.splitlines()[2:]
    ['1,,1,甲,面,,,,@', 'J1,1,4851838.500,443667.350']
    """
    places = precision(header) if decimals is None else decimals
    lines = [ATTRIBUTES, *(f"{name}={value}" for name, value in header.items()), COORDINATES]
    for one in parcels:
        lines.append(
            ",".join(
                [
                    str(one.points if one.declared_points is None else one.declared_points),
                    one.area_text or ("" if one.declared_ha is None else f"{one.declared_ha:.4f}"),
                    *map(_field, (one.number, one.name, one.shape, one.sheet, one.use)),
                    _field(one.class_code),
                    MARK,
                ]
            )
        )
        for ring in one.rings:
            for name, (east, north) in zip(ring.names, ring.points.tolist(), strict=True):
                lines.append(f"{_field(name)},{ring.number},{north:.{places}f},{east:.{places}f}")
    return "\r\n".join(lines) + "\r\n"


def precision(header: Mapping[str, str]) -> int:
    """How many decimals the header's 精度 (0.001) asks for."""
    text = header.get("精度", "")
    if not NUMBER.fullmatch(text) or "." not in text:
        return DEFAULT_DECIMALS
    return min(len(text.partition(".")[2]), MAX_DECIMALS)


def _field(text: str) -> str:
    """A text that neither ends its field nor its line."""
    return re.sub(r"[,\r\n]+", " ", text)
