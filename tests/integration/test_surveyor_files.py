"""Surveyors' files from the upload to a process, over HTTP: read, or told why not."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import shapely

from processes.algorithms.survey_parcels import Fault

FILES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "surveyor_files.py")))
HA_M2 = 10_000
PLOTS = "detailed_plan_parcel"


def uploaded(client: httpx.Client, content: bytes, name: str) -> str:
    answer = client.post("/files", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    href: str = answer.json()["href"]
    return href


def executed(client: httpx.Client, process: str, **inputs: Any) -> httpx.Response:
    body = {"inputs": inputs, "response": "document"}
    return client.post(f"/processes/{process}/execution", json=body, timeout=60)


def areas(client: httpx.Client, **features: str) -> dict[str, Any]:
    answer = executed(client, "area-ellipsoid", features=features)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["areas"]["value"]
    return found


def test_a_gbk_text_becomes_parcels_whose_areas_are_those_that_it_declares(
    client: httpx.Client,
) -> None:
    parcels = FILES.made(21)
    found = areas(client, href=uploaded(client, FILES.text(parcels), "地块.txt"))

    for one, parcel in zip(found["features"], parcels, strict=True):
        assert one["reason"] is None
        assert one["official_m2"] / HA_M2 == pytest.approx(parcel.declared_ha, rel=2e-3)


def test_without_a_zone_the_answer_names_the_zones_that_fit_and_takes_the_one_chosen(
    client: httpx.Client,
) -> None:
    parcels = FILES.made(21, prefix=False)
    content = FILES.text(parcels, header=FILES.NO_ZONE)
    href = uploaded(client, content, "地块.txt")
    asked = executed(client, "area-ellipsoid", features={"href": href})

    assert asked.status_code == 400
    (error,) = asked.json()["errors"]
    assert error["pointer"] == "/inputs/features/href"
    assert "EPSG:4551 (126°E)" in str(error)
    assert areas(client, href=href, crs="EPSG:4551")["total"]["measured"] == len(parcels)


def test_a_faulty_parcel_says_why_it_has_no_area_and_the_others_have_one(
    client: httpx.Client,
) -> None:
    parcels = FILES.with_fault(FILES.made(21), Fault.SELF_CROSSING)
    found = areas(client, href=uploaded(client, FILES.text(parcels), "地块.txt"))

    assert found["total"]["measured"] == len(parcels) - 1
    assert "crosses or touches itself" in found["features"][1]["reason"]


@pytest.mark.parametrize("form", ["csv", "xlsx", "pasted", "dxf"])
def test_every_kind_of_file_gives_the_same_areas(
    client: httpx.Client, tmp_path: Path, form: str
) -> None:
    parcels = FILES.made(23, 2)
    content = {
        "csv": lambda: FILES.csv(parcels),
        "xlsx": lambda: FILES.xlsx(parcels, tmp_path),
        "pasted": lambda: FILES.pasted(parcels),
        "dxf": lambda: FILES.dxf(parcels, frame=True),
    }[form]()
    layer = {"layer": "JZD"} if form == "dxf" else {}
    href = uploaded(client, content, f"parcels.{form}")
    found = areas(client, href=href, crs="EPSG:4530", **layer)
    text = areas(client, href=uploaded(client, FILES.text(parcels), "a.txt"))

    assert found["total"]["official_m2"] == pytest.approx(text["total"]["official_m2"], abs=0.01)


def test_a_drawing_of_several_layers_asks_which(client: httpx.Client) -> None:
    href = uploaded(client, FILES.dxf(FILES.made(23, 2), frame=True), "parcels.dxf")
    asked = executed(client, "area-ellipsoid", features={"href": href, "crs": "EPSG:4530"})

    assert asked.status_code == 400
    assert "JZD (2), 图框 (1)" in asked.text


def test_parcels_are_laid_over_a_layer(client: httpx.Client) -> None:
    href = uploaded(client, FILES.text(FILES.made(21)), "地块.txt")
    answer = executed(
        client,
        "overlay",
        left={"href": href},
        right={"collection": "urban_growth_boundary"},
        operation="intersection",
        left_class="number",
    )

    assert answer.status_code == 200, answer.text
    whole = answer.json()["statistics"]["value"]["left"]["whole_m2"]
    assert whole == pytest.approx(sum(p.declared_ha for p in FILES.made(21)) * HA_M2, rel=2e-3)


def inspected(client: httpx.Client, **inputs: Any) -> dict[str, Any]:
    answer = executed(client, "survey-parcels", **inputs)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["report"]["value"]
    return found


def test_the_report_lists_every_fault_with_its_place(client: httpx.Client) -> None:
    parcels = FILES.with_fault(FILES.made(21), Fault.SPIKE)
    found = inspected(client, file={"href": uploaded(client, FILES.text(parcels), "a.txt")})

    assert (found["parcels"], found["readable"], found["zones"]) == (6, 5, [])
    told = [one for one in found["findings"] if one["fault"] == "spike"]
    assert [(one["parcel"], one["ring"], one["severity"]) for one in told] == [(2, 1, "error")]
    assert told[0]["point"]


def test_the_report_gives_each_zone_that_fits_with_the_region_in_it(client: httpx.Client) -> None:
    text = FILES.pasted(FILES.made(21, 2, prefix=False)).decode()
    everywhere = inspected(client, text=text)
    allowed = inspected(client, text=text, unit="220100")

    assert everywhere["crs"] is None
    assert len(everywhere["zones"]) > 5
    assert [one["crs"] for one in allowed["zones"]] == ["EPSG:4551"]
    assert allowed["zones"][0]["region"]["code"].startswith("2201")


def test_parcels_outside_of_the_unit_are_named_and_a_local_frame_is_told(
    client: httpx.Client,
) -> None:
    text = FILES.text(FILES.made(21, 2), encoding="utf-8").decode()
    away = inspected(client, text=text, unit="220183")
    local = [FILES.PLANTED[Fault.NO_ZONE_FITS](one) for one in FILES.made(21, 2)]
    framed = inspected(client, text=FILES.text(local, header={}, encoding="utf-8").decode())

    assert [one["fault"] for one in away["findings"]] == ["outside_unit"] * 2
    assert framed["local_frame"] is True


def test_the_report_calls_a_file_as_its_sender_does(client: httpx.Client) -> None:
    content = FILES.text(FILES.made(21, 2))
    found = inspected(client, file={"href": uploaded(client, content, "批次用地.txt")})

    assert (found["name"], found["layer"]) == ("批次用地.txt", "批次用地")


def test_each_zone_has_a_preview_of_the_parcels_in_it(client: httpx.Client) -> None:
    parcels = FILES.made(21, 2, prefix=False)
    found = inspected(client, text=FILES.pasted(parcels).decode())

    for zone in found["zones"]:
        outline = shapely.from_geojson(json.dumps(zone["outline"]))
        assert shapely.get_num_geometries(outline) == 2
        assert shapely.box(*zone["bbox"]).buffer(1e-6).covers(outline)


def boundary_points(client: httpx.Client, **inputs: Any) -> httpx.Response:
    body = {"inputs": inputs, "outputs": {"boundary_points": {}}}
    return client.post("/processes/survey-parcels/execution", json=body, timeout=60)


def test_a_coordinate_text_comes_back_byte_by_byte(client: httpx.Client) -> None:
    content = FILES.text(FILES.made(21))
    answer = boundary_points(client, file={"href": uploaded(client, content, "a.txt")})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=gb18030"
    assert answer.content == content


def test_a_document_of_outputs_holds_the_text_itself(client: httpx.Client) -> None:
    text = FILES.text(FILES.made(21, 2), encoding="utf-8").decode()
    answer = executed(client, "survey-parcels", text=text)

    assert answer.json()["boundary_points"] == text


@pytest.mark.parametrize("form", ["kml", "gpkg", "shp"])
def test_parcels_of_other_forms_are_exported_as_a_coordinate_text_in_their_zone(
    client: httpx.Client, tmp_path: Path, form: str
) -> None:
    parcels = FILES.made(21, 3)
    name, content = f"parcels.{form}", FILES.kml(FILES.degrees(parcels))
    if form != "kml":
        name = "parcels.zip" if form == "shp" else name
        content = FILES.vectors(parcels, tmp_path, form)
    answer = boundary_points(client, file={"href": uploaded(client, content, name)})
    found = inspected(client, text=answer.content.decode("gb18030"))
    areas_of = [line.split(",")[1] for line in answer.text.splitlines() if line.endswith(",@")]

    assert (found["parcels"], found["readable"], found["findings"]) == (3, 3, [])
    assert found["crs"].startswith("EPSG:4530 ")
    assert "带号=42" in answer.text
    assert [float(one) for one in areas_of] == pytest.approx(
        [one.declared_ha for one in parcels], abs=1e-4
    )


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({}, "/inputs/file"),
        ({"text": "no parcels here"}, "/inputs/text"),
        ({"text": "1 2", "unit": "999999"}, "/inputs/unit"),
        ({"file": {"href": "/files/up-0"}}, "/inputs/file/href"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_at_its_place(
    client: httpx.Client, inputs: dict[str, Any], pointer: str
) -> None:
    answer = executed(client, "survey-parcels", **inputs)

    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def checked(client: httpx.Client, parcels: Any, **inputs: Any) -> httpx.Response:
    return executed(client, "compliance-check", parcels=parcels, **inputs)


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    parcels: list[dict[str, Any]] = answer.json()["result"]["value"]["parcels"]
    return parcels


def test_a_text_without_a_zone_is_checked_once_the_zone_is_chosen(client: httpx.Client) -> None:
    content = FILES.text(FILES.made(21, 3, prefix=False), header=FILES.NO_ZONE)
    href = uploaded(client, content, "地块.txt")
    asked = checked(client, {"href": href}, unit="220100")
    (error,) = asked.json()["errors"]
    parcels = told(checked(client, {"href": href}, crs="EPSG:4551", unit="220100"))

    assert asked.status_code == 400
    assert error["pointer"] == "/inputs/crs"
    assert error["detail"].endswith("fit in the unit: EPSG:4551 (126°E)")
    assert [one["name"] for one in parcels] == ["地块1", "地块2", "地块3"]
    assert all(one["faults"] == [] for one in parcels)


def test_a_faulty_parcel_of_a_batch_is_told_and_the_others_are_judged(
    client: httpx.Client, tmp_path: Path
) -> None:
    content = FILES.vectors(FILES.with_fault(FILES.made(21, 4), Fault.SPIKE), tmp_path, "shp")
    parcels = told(checked(client, {"href": uploaded(client, content, "a.zip")}))

    assert [bool(one["rules"]) for one in parcels] == [True, False, True, True]
    assert parcels[1]["overall"] == "VERIFY"
    assert "spike" in {one["code"] for one in parcels[1]["faults"]}


def test_parcels_outside_of_the_unit_are_told_and_judged(client: httpx.Client) -> None:
    text = FILES.text(FILES.made(21, 2), encoding="utf-8").decode()
    parcels = told(checked(client, {"text": text}, unit="220183"))

    assert [one["code"] for parcel in parcels for one in parcel["faults"]] == ["outside_unit"] * 2
    assert all(one["rules"] for one in parcels)


def test_parcels_of_a_collection_are_chosen_by_a_filter(client: httpx.Client) -> None:
    (plot,) = client.get(f"/collections/{PLOTS}/items", params={"limit": 1}).json()["features"]
    number = plot["properties"]["DKBH"]
    parcels = told(checked(client, {"collection": PLOTS, "filter": f"DKBH = '{number}'"}))

    assert number in {one["id"] for one in parcels}
    assert all(one["rules"] for one in parcels)


@pytest.mark.parametrize(
    ("parcels", "pointer"),
    [
        ({"text": "no parcels here"}, "/inputs/parcels/text"),
        ({"href": "/files/up-0"}, "/inputs/parcels/href"),
        ({"collection": "nowhere"}, "/inputs/parcels/collection"),
        ({"collection": PLOTS, "filter": "DKBH = '-'"}, "/inputs/parcels"),
        ({"type": "FeatureCollection", "features": []}, "/inputs/parcels/features"),
    ],
)
def test_parcels_that_cannot_be_read_at_all_are_refused_at_their_place(
    client: httpx.Client, parcels: dict[str, Any], pointer: str
) -> None:
    answer = checked(client, parcels)

    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
