"""Places where the embedded PostGIS cannot be: one sentence each, and nothing is touched."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.cluster import open_cluster
from providers.cluster_folder import locate
from providers.postgres_binaries import ClusterError, find_binaries

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change users")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder every user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="onemap-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_a_data_folder_we_did_not_make_is_refused_untouched(folder: Path) -> None:
    foreign = folder / "home" / "db" / "precious.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    with pytest.raises(ClusterError, match="did not make"), open_cluster(folder / "home"):
        pass
    assert [path.name for path in foreign.parent.iterdir()] == ["precious.txt"]


def test_a_home_that_is_a_file_is_refused(folder: Path) -> None:
    (folder / "home").write_text("")
    with pytest.raises(ClusterError, match="cannot be used"), open_cluster(folder / "home"):
        pass


def test_a_given_home_that_the_server_user_cannot_enter_is_refused(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    home = folder / "closed" / "home"
    with pytest.raises(ClusterError, match="cannot enter"), open_cluster(home):
        pass
    assert not home.exists()


def test_a_default_home_that_the_server_user_cannot_enter_points_elsewhere(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    home = folder / "closed" / ".onemap"
    placed = locate(home, given=False, elsewhere=folder / "elsewhere")
    assert placed.path.parent == folder / "elsewhere"
    assert (home / "database").read_text().strip() == str(placed.path)
    assert locate(home, given=False).path == placed.path
    placed.make()
    placed.initialise(find_binaries())
    assert placed.data.stat().st_uid == placed.user.uid != 0


def test_a_full_disk_is_one_sentence_and_leaves_nothing(folder: Path) -> None:
    small = folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", small], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        with pytest.raises(ClusterError, match="No space left"), open_cluster(small / "home"):
            pass
        assert not (small / "home" / "db.new").exists()
    finally:
        subprocess.run(["umount", small], check=True)
