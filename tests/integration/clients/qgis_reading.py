"""What QGIS sees of a server; run by the Python that has QGIS, prints one JSON document.

qgis_reading.py BASE PICTURES WEST SOUTH EAST NORTH
"""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsNetworkAccessManager,
    QgsNetworkRequestParameters,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

SIDE = 256
DEGREES = QgsCoordinateReferenceSystem("EPSG:4326")
CGCS2000 = QgsCoordinateReferenceSystem("EPSG:4490")


def tiles(base: str, layer: str) -> QgsVectorTileLayer:
    """A generic connection, as the dialogue for vector tiles writes it."""
    template = f"{base}/collections/{layer}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}?f=mvt"
    return QgsVectorTileLayer(f"type=xyz&url={quote(template, safe='')}&zmin=0&zmax=18", layer)


def drawn(layer: Any, box: QgsRectangle, crs: str, picture: str) -> float:
    """Draw a box of degrees and give the part of it that is not background."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setBackgroundColor(QColor("white"))
    settings.setOutputSize(QSize(SIDE, SIDE))
    to_map = QgsCoordinateTransform(
        DEGREES, QgsCoordinateReferenceSystem(crs), QgsProject.instance()
    )
    settings.setExtent(to_map.transformBoundingBox(box))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(picture)
    white = QColor("white")
    cells = [(x, y) for x in range(8, SIDE - 8, 4) for y in range(8, SIDE - 8, 4)]
    return sum(image.pixelColor(x, y) != white for x, y in cells) / len(cells)


def features(layer: Any, box: QgsRectangle, crs: Any = None) -> list[list[Any]]:
    """The features that meet a box: name, and bounds in the system that is asked for."""
    request = QgsFeatureRequest().setFilterRect(box)
    if crs is not None:
        request.setDestinationCrs(crs, QgsProject.instance().transformContext())
    found = []
    for feature in layer.getFeatures(request):
        bounds = feature.geometry().boundingBox()
        sides = [bounds.xMinimum(), bounds.yMinimum(), bounds.xMaximum(), bounds.yMaximum()]
        found.append([feature["id"], *sides])
    return sorted(found)


def collection(base: str, name: str) -> QgsVectorLayer:
    """A layer of an OGC API – Features connection that asks for what is in view only."""
    options = "pagingEnabled='true' pageSize='500' restrictToRequestBBOX='1'"
    return QgsVectorLayer(f"url='{base}' typename='{name}' {options}", name, "OAPIF")


def main(base: str, pictures: str, *sides: str) -> None:
    """Read, draw and print."""
    box = QgsRectangle(*map(float, sides))
    application = QgsApplication([], False)
    application.initQgis()
    asked: list[str] = []
    manager = QgsNetworkAccessManager.instance()
    manager.requestAboutToBeCreated[QgsNetworkRequestParameters].connect(
        lambda one: asked.append(one.request().url().toString())
    )
    said: dict[str, Any] = {"version": Qgis.QGIS_VERSION_INT, "tiles": {}}
    for crs in ("EPSG:3857", "EPSG:4490", "EPSG:4528"):
        layer = tiles(base, "land_use")
        picture = Path(pictures) / f"tiles_{crs[5:]}.png"
        said["tiles"][crs] = drawn(layer, box, crs, str(picture)) if layer.isValid() else None
    layer = collection(base, "land_use")
    said["valid"] = layer.isValid()
    said["features"] = features(layer, box)
    said["inCgcs2000"] = features(layer, box, CGCS2000)
    said["drawn"] = drawn(layer, box, "EPSG:4490", str(Path(pictures) / "features.png"))
    layer = collection(base, "permanent_farmland")
    said["accepted"] = layer.setSubsetString("\"BHKSSJ\" >= '2020-01-01'")
    said["filtered"] = features(layer, layer.extent())
    application.processEvents()
    said["asked"] = asked
    print(json.dumps(said), flush=True)
    os._exit(0)  # objects of Qt that outlive its application end the interpreter the hard way


if __name__ == "__main__":
    main(*sys.argv[1:])
