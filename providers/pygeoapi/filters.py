"""Filters as upstream hands them on: an AST of pygeofilter whose geometries it moved to CRS84.

Upstream moves the nodes of geometries that it finds, and keeps neither the text nor `filter-crs`:
what it cannot have moved, or has confused on the way, is refused and not guessed.
"""

from typing import Any

from pygeofilter import ast, values

from providers.errors import BadParameter

type Node = Any  # of pygeofilter, which is untyped
MOVED = "urn:ogc:def:crs:OGC::CRS84"  # how upstream marks a geometry that it has moved
EXPECTED_PLACE = (
    "places as WKT or GeoJSON geometries: upstream moves no other to the layer's system"
)
EXPECTED_TIME = "neither T_INTERSECTS nor T_OVERLAPS: pygeofilter reads both as one"


def settled(root: Node) -> Node:
    """The AST in the words of `providers.cql2`.

    Raises
    ------
    BadParameter
        For a rectangle or a geometry of an unknown reference system, and for what the parser
        confuses.
    """
    waiting = [root]
    while waiting:
        node = waiting.pop()
        match node:
            case list():
                waiting += node
                continue
            case values.Geometry():
                node.geometry = _plain(node.geometry)
                continue
            case values.Envelope() | ast.BBox():
                raise BadParameter("filter", type(node).__name__, EXPECTED_PLACE)
            case ast.TimeOverlaps():
                raise BadParameter("filter", "T_OVERLAPS", EXPECTED_TIME)
            case ast.Function(name="bbox"):
                raise BadParameter("filter", "BBOX", EXPECTED_PLACE)
            case ast.Function(name="lower"):
                node.name = "casei"  # what the parser made of CASEI
            case ast.Like():
                waiting.append(node.pattern)  # not among the sub-nodes
        if hasattr(node, "get_sub_nodes"):
            waiting += node.get_sub_nodes()
    return root


def _plain(geometry: dict[str, Any]) -> dict[str, Any]:
    """A geometry without the name of its reference system, which must be CRS84."""
    name = geometry.get("crs", {}).get("properties", {}).get("name")
    if name != MOVED:
        raise BadParameter("filter", str(name), EXPECTED_PLACE)
    return {member: value for member, value in geometry.items() if member != "crs"}
