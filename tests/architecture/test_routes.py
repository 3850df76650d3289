"""The house's walls that no linter knows: why a route is ours, who may import and read what."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from starlette.routing import Route

from server.routes import TABLE, Entry, starlette_routes

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "openapi", "processes", "providers", "server")
DISTRIBUTION = "onemap-server"
MAX_LINES = 300
# A module beyond the limit wants a reason; an entry that is no longer needed has to go.
LONGER: dict[str, str] = {}
WITHOUT_SUBJECT = {"utils", "helpers", "common", "base", "misc", "util", "helper"}
MAY_IMPORT_PYGEOAPI = (
    "providers/pygeoapi/",
    "processes/ogc/processor.py",
    "processes/ogc/manager.py",
)
MAY_READ_THE_ENVIRONMENT = ("config/settings.py",)
OF_THE_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def reads_environment(module: ast.Module) -> bool:
    """Whether the text names the environment of the process, by whichever spelling."""
    nodes = list(ast.walk(module))
    aliases = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    systems = {alias.asname or alias.name for alias in aliases if alias.name == "os"}
    from_os = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "os"]
    names = {alias.name for node in from_os for alias in node.names}
    names |= {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in systems
    }
    return bool(names & OF_THE_ENVIRONMENT)


def known(entry: Entry) -> str:
    return f"{entry.method} {entry.path}"


@pytest.mark.parametrize("entry", TABLE, ids=known)
def test_the_table_says_why_a_route_is_ours(entry: Entry) -> None:
    assert len(entry.why.split()) >= 2, "a reason is more than a word"
    assert entry.path.startswith("/")


def test_each_route_and_each_operation_stands_once_in_the_table() -> None:
    routes = Counter(map(known, TABLE))
    operations = Counter(entry.operation for entry in TABLE if entry.operation is not None)
    assert [name for name, times in (routes + operations).items() if times > 1] == []


def test_the_application_has_no_route_beside_the_table_and_the_web_application() -> None:
    served = [route for route in starlette_routes() if isinstance(route, Route)]
    listed = {entry.path for entry in TABLE}
    assert {route.path for route in served} >= listed
    others = {route.path for route in served} - listed
    assert all(path.startswith("/app") for path in others), others


def test_pygeoapi_is_imported_only_by_the_faces_that_it_loads() -> None:
    importers = {
        name
        for name, path in modules()
        if any(found.split(".")[0] == "pygeoapi" for found in imported(tree(path)))
    }
    assert {name for name in importers if not name.startswith(MAY_IMPORT_PYGEOAPI)} == set()
    assert importers, "the faces are what pygeoapi loads"


def test_nobody_takes_upstreams_applications_for_ours() -> None:
    apps = {"pygeoapi.starlette_app", "pygeoapi.flask_app", "pygeoapi.django_app"}
    for name, path in modules():
        assert not apps & set(imported(tree(path))), (
            f"{name} imports an application built at import"
        )


def test_only_the_settings_read_the_environment() -> None:
    readers = {name for name, path in modules() if reads_environment(tree(path))}
    assert readers == set(MAY_READ_THE_ENVIRONMENT)


def test_our_packages_hide_nobody_elses_and_nobody_hides_ours() -> None:
    owners = packages_distributions()
    foreign = {
        package: set(owners.get(package, ())) - {DISTRIBUTION, DISTRIBUTION.replace("-", "_")}
        for package in PACKAGES
    }
    assert {package: names for package, names in foreign.items() if names} == {}
    assert set(PACKAGES) & set(sys.stdlib_module_names) == set()


def test_our_packages_are_the_ones_that_are_imported() -> None:
    for package in PACKAGES:
        location = Path(__import__(package).__file__ or "")
        assert location.parent == ROOT / package


def test_modules_are_short_or_say_why_not() -> None:
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in modules()}
    long = {name for name, lines in lengths.items() if lines > MAX_LINES}
    assert long - LONGER.keys() == set()
    assert LONGER.keys() - long == set(), "these are short by now: take them off the list"
    assert all(len(reason.split()) >= 4 for reason in LONGER.values())


def test_modules_are_named_after_a_subject() -> None:
    names = {name for name, path in modules() if path.stem in WITHOUT_SUBJECT}
    assert names == set()


@pytest.mark.parametrize(
    "text",
    [
        "import os\nos.environ['A']",
        "import os as system\nsystem.getenv('A')",
        "from os import environ",
        "from os import getenv as look",
    ],
)
def test_the_environment_is_seen_in_every_spelling(text: str) -> None:
    assert reads_environment(ast.parse(text))
    assert not reads_environment(ast.parse("import os\nos.path.join('environ', 'getenv')"))
