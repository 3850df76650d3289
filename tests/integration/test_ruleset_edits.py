"""Rules are changed at run time by new versions beside the old ones, never in place."""

import argparse
import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.loader import CatalogueError, catalogue_folders, parse
from config.rulebook import rulebook_of
from config.settings import PACKAGE_ROOT, Settings
from processes.workflows.catalogue_changes import NoSuchEdit, VersionStays
from providers.catalogue_edits import read_catalogue
from server import catalogue_commands

RULES = PACKAGE_ROOT / "catalogue" / "rules" / "national_default.yaml"
DAY = date(2026, 3, 5)
type Command = Callable[..., tuple[int, str, str]]
type Entry = dict[str, Any]


@pytest.fixture
def bureau(tmp_path: Path) -> Path:
    """The bureau's own folder of the catalogue."""
    folder = tmp_path / "bureau"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(database_url: str, bureau: Path, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path, store=tmp_path / "store", database_url=database_url, catalogue=(bureau,)
    )


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Command:
    """`onemap check|reload|catalogue …`: its exit, output and errors."""

    def command(*words: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        catalogue_commands.add_verbs(parser.add_subparsers())
        given = parser.parse_args(words)
        capsys.readouterr()
        status = given.run(settings, given)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


@pytest.fixture
def put(run: Command, tmp_path: Path) -> Callable[..., str]:
    """`onemap catalogue put` of entries."""

    def command(*entries: Entry) -> str:
        path = tmp_path / "edit.yaml"
        path.write_text(yaml.safe_dump_all(entries, allow_unicode=True, sort_keys=False), "utf-8")
        return run("catalogue", "put", str(path), "--author", "张三")[1]

    return command


@pytest.fixture
def newer() -> Entry:
    """The shipped rules as a version that asks for more before a hole is noise."""
    (document,) = parse("rules.yaml", RULES.read_text("utf-8"), [])
    entry: Entry = copy.deepcopy(dict(document.entry))
    entry["parameters"][0]["value"] = 0.5
    return {**entry, "version": "2026.2.0", "valid_from": "2026-03-01"}


@pytest.fixture
def override() -> Entry:
    return {
        "kind": "ruleset_override",
        "id": "city",
        "ruleset": "national_default",
        "version": "1.0.0",
        "valid_from": "2026-03-01",
        "source": "某资规〔2026〕1号",
        "region": ["220100"],
        "title": {"zh": "市级规则", "en": "City rules"},
        "parameters": [{"id": "eps_m2", "value": 2, "title": "边界误差面积", "src": "U"}],
    }


def noise(settings: Settings, day: date = DAY, region: str | None = None) -> tuple[str, float]:
    """Version and noise area of the rules that hold by what the database and the files say."""
    assert settings.database_url is not None
    catalogue, _ = read_catalogue(settings.database_url, catalogue_folders(settings))
    found = rulebook_of(catalogue).in_force("national_default", day, region)
    return found.version, float(str(found.parameters["eps_m2"].value))


def test_a_new_version_holds_from_its_first_day_and_the_old_one_before(
    put: Callable[..., str], newer: Entry, settings: Settings, run: Command
) -> None:
    assert put(newer) == "ruleset national_default@2026.2.0: edit 1\n"

    assert noise(settings) == ("2026.2.0", 0.5)
    assert noise(settings, date(2026, 2, 28)) == ("2026.1.0", 1.0)
    status, said, _ = run("check")
    assert status == 0
    assert "2 rule sets" in said


def test_a_version_that_stands_is_not_put_with_other_words(
    put: Callable[..., str], newer: Entry, settings: Settings
) -> None:
    put(newer)

    with pytest.raises(CatalogueError, match="is never edited: give it a higher one"):
        put({**newer, "valid_from": "2026-02-01"})
    with pytest.raises(CatalogueError, match="says something else in catalogue/rules"):
        put({**newer, "version": "2026.1.0"})
    assert put(newer) == "ruleset national_default@2026.2.0: stands so already\n"
    assert noise(settings) == ("2026.2.0", 0.5)


def test_a_version_that_was_put_stays_and_a_higher_one_takes_its_place(
    put: Callable[..., str], newer: Entry, run: Command, settings: Settings
) -> None:
    put(newer)

    with pytest.raises(VersionStays, match="put a higher version"):
        run("catalogue", "drop", "ruleset", "national_default@2026.2.0", "--author", "张三")
    with pytest.raises(NoSuchEdit, match="it stands in catalogue/rules"):
        run("catalogue", "drop", "ruleset", "national_default@2026.1.0", "--author", "张三")

    newer["parameters"][0]["value"] = 0.25
    put({**newer, "version": "2026.2.1"})
    assert noise(settings) == ("2026.2.1", 0.25)


def test_an_override_holds_in_its_region_and_ends_by_a_new_version(
    put: Callable[..., str], override: Entry, settings: Settings
) -> None:
    put(override)
    assert noise(settings, region="220102") == ("2026.1.0", 2.0)
    assert noise(settings, region="220202") == ("2026.1.0", 1.0)

    put({**override, "version": "1.0.1", "valid_to": "2026-03-04"})
    assert noise(settings, region="220102") == ("2026.1.0", 1.0)
    assert noise(settings, date(2026, 3, 4), "220102") == ("2026.1.0", 2.0)


def test_an_override_that_would_tie_is_refused_and_leaves_no_trace(
    put: Callable[..., str], override: Entry, run: Command
) -> None:
    put(override)

    with pytest.raises(CatalogueError, match="with the same right as override"):
        put({**override, "id": "second"})
    assert len(json.loads(run("catalogue", "edits", "--json")[1])) == 1


def test_a_version_is_shown_as_it_can_be_put(
    run: Command, put: Callable[..., str], newer: Entry, tmp_path: Path
) -> None:
    put(newer)
    both = run("catalogue", "show", "ruleset", "national_default")[1]
    one = run("catalogue", "show", "ruleset", "national_default@2026.2.0")[1]

    assert both.count("kind: ruleset\n") == 2
    (tmp_path / "shown.yaml").write_text(both, "utf-8")
    said = run("catalogue", "put", str(tmp_path / "shown.yaml"), "--author", "李四")[1]
    assert said.count("stands so already") == 2
    assert yaml.load(one, yaml.BaseLoader)["version"] == "2026.2.0"


def test_a_file_whose_version_was_in_force_with_other_words_is_not_taken(
    run: Command, bureau: Path, newer: Entry
) -> None:
    place = bureau / "rules.yaml"
    place.write_text(yaml.safe_dump(newer, allow_unicode=True, sort_keys=False), "utf-8")
    assert run("reload")[0] == 0

    newer["parameters"][0]["value"] = 0.25
    place.write_text(yaml.safe_dump(newer, allow_unicode=True, sort_keys=False), "utf-8")
    with pytest.raises(CatalogueError, match=r"bureau/rules.yaml: /0/version: .* something else"):
        run("reload")

    newer["version"] = "2026.2.1"
    place.write_text(yaml.safe_dump(newer, allow_unicode=True, sort_keys=False), "utf-8")
    assert "ruleset national_default@2026.2.1" in run("reload")[1]
