"""The embedded PostGIS: a private PostgreSQL cluster in one folder, started and stopped with us.

Several OneMap programs may share it: each holds a shared lock while it works, and the last to
leave stops the server. What a crash leaves behind (a running server, a stale lock file, orphaned
backends) is adopted or cleared at the next start.
"""

import fcntl
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from providers.cluster_folder import ADMIN, LOGIN, PORT, ClusterFolder, locate
from providers.database import check_server
from providers.postgres_binaries import Binaries, ClusterError, available_memory, find_binaries

__all__ = ["Cluster", "ClusterError", "find_binaries", "open_cluster"]

log = logging.getLogger(__name__)

DATABASE = "onemap"
LONG_LOG_BYTES = 20_000_000
RECOVERY_S = 600.0  # replaying the log after a crash: at most max_wal_size of it
MUTEX_S = 180.0  # as long as another program may take to make the cluster


@dataclass(slots=True, kw_only=True)
class Cluster:
    """One private cluster, held open; made by `open_cluster`."""

    folder: ClusterFolder
    binaries: Binaries
    memory_bytes: int
    _child: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """The address of the product's database, for its login role (no superuser)."""
        return self.address(DATABASE)

    def address(self, database: str, role: str = LOGIN) -> str:
        """The libpq address of *database*; every database made here has PostGIS, from template1."""
        socket = quote(str(self.folder.socket), safe="")
        return f"postgresql://{role}@/{quote(database)}?host={socket}&port={PORT}"

    def ensure_running(self) -> None:
        """Start the server where it does not run (any more); a supervisor may call it at will."""
        try:
            with _alone(self.folder.start_lock):
                if self.folder.is_new():
                    self.folder.initialise(self.binaries)
                if not self._answers():
                    self._clear_what_a_crash_left()
                    if not self._answers():
                        self._launch()
                    self._create_database()
        except OSError as error:
            raise _unusable(self.folder.path, error) from error

    def stop(self) -> None:
        """Stop the server, ending every connection, and wait until it is gone."""
        for how, patience_s in ((signal.SIGINT, 60.0), (signal.SIGQUIT, 15.0)):
            postmaster = self.postmaster()
            if postmaster is None:
                return
            with suppress(ProcessLookupError):
                os.kill(postmaster, how)
            if _until(lambda: not self._processes(), patience_s):
                log.info("cluster_stopped", extra={"folder": str(self.folder.path)})
                return
        raise ClusterError(f"The database server over {self.folder.data} does not stop.")

    def postmaster(self) -> int | None:
        """The running server's process id; None where its lock file is missing or stale."""
        pid = _first_number(self.folder.data / "postmaster.pid")
        return pid if pid is not None and pid in self._processes() else None

    def _answers(self) -> bool:
        """Whether the server over this very folder accepts connections."""
        try:
            with psycopg.connect(self.address("postgres", ADMIN), connect_timeout=5) as connection:
                told = connection.execute("SHOW data_directory").fetchone()
        except psycopg.OperationalError as error:
            said = str(error)
            passing = ("starting up", "shutting down", "recovery", "not yet accepting")
            if "FATAL" in said and not any(words in said for words in passing):
                why = said.strip().splitlines()[0].rpartition("FATAL:")[2].strip()
                raise ClusterError(
                    f"The database server over {self.folder.data} refuses us: {why}."
                ) from error
            return False
        if told is None or Path(told[0]).resolve() != self.folder.data.resolve():
            raise ClusterError(f"The socket in {self.folder.socket} is another database server's.")
        return True

    def _processes(self) -> set[int]:
        """The server processes that work in this data directory, by asking the kernel."""
        if self._child is not None:
            self._child.poll()  # a dead child of ours must not linger as a zombie
        here = self.folder.data.stat()
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    at = (entry / "cwd").stat()
                    same = (at.st_dev, at.st_ino) == (here.st_dev, here.st_ino)
                    if same and (entry / "comm").read_text().strip() == "postgres":
                        found.add(int(entry.name))
        return found

    def _clear_what_a_crash_left(self) -> None:
        # A server that starts, recovers or is on its way out: wait to see which.
        decided = _until(lambda: self.postmaster() is None or self._answers(), RECOVERY_S)
        if not decided:
            raise ClusterError(
                f"The database server over {self.folder.data} runs but does not answer; "
                f"see {self.folder.log_file}."
            )
        if self.postmaster() is not None:
            return
        # Backends whose server was killed: their work is lost, and none may start beside them.
        for how in (signal.SIGQUIT, signal.SIGKILL):
            for pid in self._processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            if _until(lambda: not self._processes(), 10.0):
                break
        # PostgreSQL sees through a stale lock file, unless its number now is another process's.
        socket_lock = self.folder.socket / f".s.PGSQL.{PORT}.lock"
        for stale in (self.folder.data / "postmaster.pid", socket_lock):
            number = _first_number(stale)
            if number is not None and Path(f"/proc/{number}").exists():
                stale.unlink()

    def _launch(self) -> None:
        self.folder.configure(self.memory_bytes)
        file = self.folder.log_file
        if file.exists() and file.stat().st_size > LONG_LOG_BYTES:
            file.replace(file.with_suffix(".log.1"))
        with file.open("ab") as output:
            begin = output.seek(0, os.SEEK_END)
            command = [str(self.binaries.postgres), "-D", str(self.folder.data)]
            child = self._child = self.folder.user.start(command, output)
        _until(lambda: child.poll() is not None or self._answers(), RECOVERY_S)
        if child.poll() is not None or not self._answers():
            said = file.read_bytes()[begin:].decode(errors="replace").splitlines()
            fatal = [line for line in said if "FATAL:" in line or "PANIC:" in line] or said[-1:]
            why = fatal[-1].partition(":  ")[2] or fatal[-1] if fatal else "it gave no reason"
            raise ClusterError(
                f"The database server over {self.folder.data} did not start: "
                f"{why.rstrip('.')}; see {file}."
            )
        log.info("cluster_started", extra={"folder": str(self.folder.path)})

    def _create_database(self) -> None:
        """PostGIS in template1, the login role, the database; repairs a start cut short."""
        with psycopg.connect(self.address("template1", ADMIN), autocommit=True) as template:
            try:
                template.execute("CREATE EXTENSION IF NOT EXISTS postgis")
            except psycopg.Error as error:
                why = str(error).splitlines()[0]
                raise ClusterError(
                    f"PostGIS cannot be used ({why}); on Debian or Ubuntu: apt-get install "
                    f"postgresql-{self.binaries.major}-postgis-3."
                ) from error
        check_server(self.address("template1", ADMIN))
        with psycopg.connect(self.address("postgres", ADMIN), autocommit=True) as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LOGIN]).fetchone():
                admin.execute(f"CREATE ROLE {LOGIN} LOGIN CREATEROLE CREATEDB")
            known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not known.fetchone():
                admin.execute(f"CREATE DATABASE {DATABASE} OWNER {LOGIN}")


@contextmanager
def open_cluster(
    home: Path, *, given: bool = True, memory_bytes: int | None = None
) -> Iterator[Cluster]:
    """The cluster of *home*, running; the last of those that share it stops it on leaving.

    Where root starts us and the server's user cannot reach *home*, a home that was *given* is
    refused; otherwise the database lies under /var/lib/onemap and a file in *home* says where.
    """
    try:
        folder = locate(home, given=given)
        folder.make()
        users = _lock_file(folder.users_lock)
    except OSError as error:
        raise _unusable(home, error) from error
    try:
        cluster = Cluster(
            folder=folder,
            binaries=find_binaries(folder.major),
            memory_bytes=memory_bytes or available_memory(),
        )
        with _alone(folder.start_lock):  # whoever leaves looks for others under this lock
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            cluster.ensure_running()
            yield cluster
        finally:
            with _alone(folder.start_lock):
                if _try_lock(users):  # nobody else is there
                    cluster.stop()
                fcntl.flock(users, fcntl.LOCK_UN)  # also for children that inherited the handle
    finally:
        os.close(users)


def _unusable(path: Path, error: OSError) -> ClusterError:
    what = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
    return ClusterError(f"The folder {path} cannot be used for the database: {what}.")


def _lock_file(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the one lock under which the cluster is made, started and stopped."""
    handle = _lock_file(path)
    try:
        if not _until(lambda: _try_lock(handle), MUTEX_S):
            raise ClusterError(f"Another OneMap program has held {path} for {MUTEX_S:.0f} seconds.")
        yield
    finally:
        os.close(handle)


def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Wait until *done*, at most *seconds*; whether it came about."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.03)
    return True


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
