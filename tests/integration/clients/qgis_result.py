"""What QGIS reads of one collection by its address; run by the Python that has QGIS.

qgis_result.py BASE COLLECTION
"""

import json
import os
import sys

from qgis.core import QgsApplication, QgsVectorLayer


def main(base: str, name: str) -> None:
    """Open, read, print."""
    application = QgsApplication([], False)
    application.initQgis()
    layer = QgsVectorLayer(f"url='{base}' typename='{name}'", name, "OAPIF")
    features = list(layer.getFeatures())
    said = {
        "valid": layer.isValid(),
        "fields": layer.fields().names(),
        "codes": sorted(feature["DLBM"] for feature in features),
        "shapes": [feature.geometry().isEmpty() for feature in features],
    }
    print(json.dumps(said), flush=True)
    os._exit(0)  # objects of Qt that outlive its application end the interpreter the hard way


if __name__ == "__main__":
    main(*sys.argv[1:])
