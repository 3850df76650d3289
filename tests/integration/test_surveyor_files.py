"""Surveyors' files from the upload to a process, over HTTP: read, or told why not."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from processes.algorithms.survey_parcels import Fault

FILES = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "surveyor_files.py")))
HA_M2 = 10_000


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
