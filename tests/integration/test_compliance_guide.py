"""The calls of the guide to compliance checks work as they are printed."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from config.settings import PACKAGE_ROOT, child_environ
from processes.algorithms.canonical import sealed
from server.guide import render

PRINTED = "http://127.0.0.1:8080"
(GUIDE,) = (render.FOLDER / "en").glob("*-compliance.md")
type Run = Callable[..., str]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S)


@pytest.fixture
def run(live_server: str, live_settings: dict[str, str], tmp_path: Path) -> Run:
    """Run a printed block against the live server; its files lie in a folder of the test."""

    def block(text: str, name: str, *command: str) -> str:
        text = text.replace(PRINTED, live_server).replace("/tmp/", f"{tmp_path}/")
        text = text.replace(".venv/bin/onemap", f"{sys.executable} -m server")
        (tmp_path / name).write_text(text, "utf-8")
        done = subprocess.run(
            [*command, name],
            cwd=tmp_path,
            env=child_environ(**live_settings, PYTHONPATH=str(PACKAGE_ROOT.parent)),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, (text, done.stderr)
        return done.stdout

    return block


def written(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def test_the_shell_calls_check_report_sign_and_verify(run: Run, tmp_path: Path) -> None:
    told = [run(text, "printed", "bash", "-euo", "pipefail") for text in blocks("bash")]
    check, opinion = written(tmp_path, "check.json"), written(tmp_path, "opinion.json")

    assert check["kind"] == "compliance_check"
    assert written(tmp_path, "kept.json") == check
    (fault,) = written(tmp_path, "zones.json")["errors"]
    assert fault["pointer"] == "/inputs/crs"
    assert "EPSG:4551" in fault["detail"]
    batch = written(tmp_path, "batch.json")
    assert batch["planar_crs"]["zone"] == 42
    assert batch["parcels"][0]["name"] == "乙地块"
    for name in ("report.docx", "report.xlsx", "opinion.docx"):
        assert zipfile.is_zipfile(tmp_path / name), name
    assert sum(json.dumps(check["hash"]) in text for text in told) == 1
    assert '"unaltered":true' in "".join(told)
    assert opinion["signed_by"] == "张工"
    assert opinion["check"] == check["hash"]
    assert {item["rule"] for item in opinion["manual"]} == {i["rule"] for i in check["manual"]}


def test_the_recipe_of_the_hash_gives_it_for_any_numbers(run: Run, tmp_path: Path) -> None:
    recipe, _ = blocks("python")
    steps = [10.0**power * digits for power in range(-20, 24) for digits in (1, -1, 1.5, 1 / 3)]
    words: dict[str, Any] = {
        "b": 'a"1.0\\-0\u0001\n\u00e9',
        "é": [True, None, {}],
        "a": [1.0, -0.0, 0, *steps],
    }
    document = sealed({"kind": "x", **words})
    (tmp_path / "check.json").write_text(json.dumps(document), "utf-8")

    assert run(recipe, "printed.py", sys.executable) == "True\n"
    (tmp_path / "check.json").write_text(json.dumps({**document, "more": 1}), "utf-8")
    assert run(recipe, "printed.py", sys.executable) == "False\n"


def test_the_python_call_prints_each_rule(run: Run) -> None:
    _, text = blocks("python")

    lines = run(text, "printed.py", sys.executable).splitlines()
    assert any(line.startswith("CR01 永久基本农田") for line in lines)


@pytest.mark.skipif(shutil.which("java") is None, reason="needs a Java runtime of 17 or later")
def test_the_java_call_gets_the_result(run: Run, tmp_path: Path) -> None:
    (text,) = blocks("java")

    assert run(text, "Check.java", "java") == "true\n"
    assert written(tmp_path, "check.json")["kind"] == "compliance_check"


def test_the_local_rules_can_be_tried_before_they_are_in_force(client: httpx.Client) -> None:
    (text,) = blocks("yaml")
    corners = [[125.345, 43.891], [125.3465, 43.891], [125.3465, 43.8925], [125.345, 43.8925]]
    square = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    inputs = {"parcels": square, "check_date": "2026-08-01", "draft": yaml.safe_load(text)}

    answer = client.post("/processes/compliance-check/execution", json={"inputs": inputs})
    assert answer.status_code == 200, answer.text
    result = answer.json()
    assert [one["id"] for one in result["ruleset"]["overrides"]] == ["changchun_rules"]
    assert "CR33" not in {rule["rule"] for rule in result["parcels"][0]["rules"]}
