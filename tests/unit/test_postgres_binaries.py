"""Which PostgreSQL of a machine is taken."""

from pathlib import Path

import pytest

from providers.postgres_binaries import ClusterError, find_binaries


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Versions 13, 15 and 17, and PostGIS for 15 only."""
    monkeypatch.setenv("PATH", "/bin-of-nowhere")
    for major in (13, 15, 17):
        programs = tmp_path / f"usr/lib/postgresql/{major}/bin"
        programs.mkdir(parents=True)
        for name in ("initdb", "postgres"):
            (programs / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.4'\n")
            (programs / name).chmod(0o755)
    control = tmp_path / "usr/share/postgresql/15/extension/postgis.control"
    control.parent.mkdir(parents=True)
    control.touch()
    return tmp_path


def test_the_newest_version_with_postgis_is_taken(machine: Path) -> None:
    assert find_binaries(root=machine).major == 15


def test_the_version_that_made_a_folder_is_taken_for_it(machine: Path) -> None:
    assert find_binaries(17, root=machine).major == 17


def test_a_version_that_is_missing_is_named(machine: Path) -> None:
    with pytest.raises(ClusterError, match=r"PostgreSQL 16, which is not installed"):
        find_binaries(16, root=machine)


def test_a_version_too_old_is_named(machine: Path) -> None:
    for major in (15, 17):
        (machine / f"usr/lib/postgresql/{major}/bin/initdb").unlink()
    with pytest.raises(ClusterError, match=r"PostgreSQL 14 or newer .*found only 13"):
        find_binaries(root=machine)


def test_a_machine_without_postgresql_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/bin-of-nowhere")
    with pytest.raises(ClusterError, match="apt-get install postgresql"):
        find_binaries(root=tmp_path)
