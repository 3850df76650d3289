"""`onemap load` of what surveyors hand over: coordinate texts, drawings, lists of points, KML."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.model import Catalogue, Layer
from config.vocabulary import EditionKey
from processes.algorithms.survey_parcels import Fault
from processes.workflows.load import load_file
from processes.workflows.load_report import LoadReport, Outcome
from processes.workflows.load_request import LoadRequest
from providers.crs_errors import MissingCrs
from providers.database import DatabaseRole, connect
from providers.files import FileRefused

FILES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "surveyor_files.py")))
SAID = {
    "YSDM": "2090010100",
    "XZQDM": "220102000000",
    "XZQMC": "南关区",
    "YDYHFLDM": "010100",
    "YDYHFLMC": "水田",
    "TBMJ": "1",
}
NAMED_BY = {"txt": "number", "csv": "number", "xlsx": "number", "dxf": "name", "kml": "name"}


@pytest.fixture
def layer(catalogue: Catalogue) -> Layer:
    return catalogue.layers["land_use"]


@pytest.fixture
def load(layer: Layer, database_url: str) -> Callable[..., LoadReport]:
    def run(path: Path, column: str, **options: Any) -> LoadReport:
        request = LoadRequest(
            layer=layer,
            edition=EditionKey("2023"),
            path=path,
            author="test",
            renamed={column: "BSM"},
            constants=SAID,
            **options,
        )
        return load_file(database_url, request)

    return run


def written(form: str, folder: Path, **options: Any) -> Path:
    parcels = FILES.made(17, 3, **options)
    path = folder / f"parcels.{form}"
    content = {
        "txt": lambda: FILES.text(parcels),
        "csv": lambda: FILES.csv(parcels),
        "xlsx": lambda: FILES.xlsx(parcels, folder),
        "dxf": lambda: FILES.dxf(parcels, frame=True),
        "kml": lambda: FILES.kml(FILES.degrees(parcels)),
    }[form]()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("form", NAMED_BY)
def test_parcels_of_every_form_are_loaded_where_they_are(
    load: Callable[..., LoadReport], database_url: str, tmp_path: Path, form: str
) -> None:
    path = written(form, tmp_path)
    plane = {} if form in ("txt", "kml") else {"srs": "EPSG:4530"}
    drawn = {"file_layer": "JZD"} if form == "dxf" else {}
    report = load(path, NAMED_BY[form], **plane, **drawn)
    with connect(database_url, DatabaseRole.READER) as connection:
        stored = connection.execute(
            "SELECT ST_Area(ST_Transform(geom, 4530)) FROM planning.land_use ORDER BY om_id"
        ).fetchall()

    assert (report.outcome, report.loaded, report.rejected) == (Outcome.LOADED, 3, 0)
    assert [row[0] for row in stored] == pytest.approx(
        [one.declared_ha * 1e4 for one in FILES.made(17, 3)], abs=1
    )


def test_a_faulty_parcel_is_rejected_with_its_faults(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    path = tmp_path / "parcels.txt"
    path.write_bytes(FILES.text(FILES.with_fault(FILES.made(17, 3), Fault.SELF_CROSSING)))
    report = load(path, "number")

    assert (report.outcome, report.loaded, report.rejected) == (Outcome.REJECTED, 2, 1)
    assert "crosses or touches itself" in "".join(report.rejections[1])


def test_eastings_without_a_zone_are_refused_with_those_that_fit(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    with pytest.raises(MissingCrs, match="EPSG:4551"):
        load(written("csv", tmp_path, prefix=False), "number")


def test_a_drawing_of_several_layers_asks_which(
    load: Callable[..., LoadReport], tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match="JZD"):
        load(written("dxf", tmp_path), "name", srs="EPSG:4530")
