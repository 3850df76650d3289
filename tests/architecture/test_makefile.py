"""Setting up, testing and deploying the project: the files that say how agree with each other."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
TARGETS = "install demo serve test lint type arch bench openapi web e2e campaign help clean"
# In parts, or this file would name them.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmmirror", "com"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("repo1", "maven", "org"),
    )
]


def project_files() -> Iterator[Path]:
    """What is, or would be, under version control."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            yield ROOT / name


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.M))


@pytest.mark.parametrize("target", TARGETS.split())
def test_the_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M)


@pytest.mark.parametrize("target", ["demo", "serve", "web", "openapi"])
def test_a_target_that_runs_onemap_installs_it_first(target: str) -> None:
    assert re.search(rf"^{target}: install\b", (ROOT / "Makefile").read_text(), re.M)


def test_continuous_integration_runs_make_test_without_a_terminal() -> None:
    script = (ROOT / ".ci/run").read_text()
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "exec make test </dev/null"
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


@pytest.mark.parametrize("script", sorted((ROOT / "docker").glob("*.sh")), ids=lambda p: p.name)
def test_a_shell_script_parses(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


def test_the_set_up_script_refuses_a_word_it_does_not_know() -> None:
    told = subprocess.run(
        [ROOT / "docker/install.sh", "--everything"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("usage: ")


def test_no_file_names_a_package_registry() -> None:
    naming = [
        (str(path.relative_to(ROOT)), host)
        for path in project_files()
        for host in REGISTRIES
        if host.encode() in path.read_bytes()
    ]
    assert naming == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.name)
def test_every_locked_package_has_its_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.M | re.I)[1:]
    assert blocks
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_agree_on_the_packages_they_share() -> None:
    installed = [pins(lock) for lock in LOCKS if lock.name != "requirements-node.lock"]
    seen: dict[str, str] = {}
    for name, version in (pin for lock in installed for pin in lock.items()):
        assert seen.setdefault(name, version) == version, name


def test_what_a_server_needs_is_what_a_developer_has() -> None:
    server, developer = pins(ROOT / "requirements.lock"), pins(ROOT / "requirements-dev.lock")
    assert server.items() <= developer.items()


def test_there_is_one_kind_of_lock() -> None:
    assert [p.name for p in project_files() if p.name in ("uv.lock", "poetry.lock")] == []


def test_the_lock_of_the_web_application_carries_hashes_and_no_address() -> None:
    lock = json.loads((ROOT / "server/web/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []


def test_the_python_of_the_project_is_one_it_supports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = (ROOT / ".python-version").read_text().strip()
    assert SpecifierSet(project["requires-python"]).contains(version)
    assert f"python:{version}-slim" in (ROOT / "docker/Dockerfile").read_text()


def test_the_set_up_installs_the_build_backend_that_the_project_names() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    name, _, version = backend.partition("==")
    assert pins(ROOT / "requirements-build.lock")[name] == version


def test_the_compose_file_mounts_what_exists_and_holds_no_password() -> None:
    text = (ROOT / "docker/compose.yaml").read_text()
    compose = yaml.safe_load(text)
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            mounted = ROOT / "docker" / source
            assert mounted.is_file() if source.startswith(".") else source in compose["volumes"]
        assert set(service.get("secrets", [])) <= compose["secrets"].keys()
    assert not re.search(r"PASSWORD: |://\w+:[^@/]*@", text)


def test_every_lasting_service_is_watched() -> None:
    services = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())["services"]
    unwatched = {
        name for name, service in services.items() if service.get("healthcheck", {}).get("disable")
    }
    assert unwatched == {"migrate", "worker"}  # one ends, the other answers no requests


def test_the_hooks_before_a_commit_fetch_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    assert all(h["language"] == "system" for repo in hooks for h in repo["hooks"])
