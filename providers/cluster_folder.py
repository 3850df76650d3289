"""The folder of the embedded PostGIS: where it lies, whose it is, how it is made and configured."""

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from providers.postgres_binaries import Binaries, ClusterError, ServerUser, reachable, server_user

ADMIN = "postgres"  # the superuser; only the cluster's own modules need it
LOGIN = "onemap"  # what the product connects as: owns its databases, may create roles
PORT = 5432  # only names the socket file
MARKER = "ONEMAP_CLUSTER"  # in the data directory: made by us
POINTER = "database"  # in the home: where the database lies when it cannot lie there
ELSEWHERE = Path("/var/lib/onemap")
MAX_SOCKET_FOLDER_BYTES = 80  # a socket's whole path may have 107
MIB = 1024 * 1024
# Two a computing process, some for each server process; a connection that is not open costs nothing.
MAX_CONNECTIONS = 60 + 4 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFolder:
    """The folder that holds db, log and, where its path is short enough, run (the socket)."""

    path: Path
    user: ServerUser

    @property
    def data(self) -> Path:
        return self.path / "db"

    @property
    def log_file(self) -> Path:
        return self.path / "log" / "postgres.log"

    @property
    def start_lock(self) -> Path:
        return self.path / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.path / "users.lock"

    @property
    def socket(self) -> Path:
        """The folder of the socket; in libpq's addresses a comma would part two hosts."""
        inside = self.path / "run"
        if len(os.fsencode(inside)) <= MAX_SOCKET_FOLDER_BYTES and not set(',"') & set(str(inside)):
            return inside
        return Path("/tmp") / f"onemap-{_digest(self.path)}"

    @property
    def major(self) -> int | None:
        """The version of PostgreSQL that made the data directory; None where there is none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    def make(self) -> None:
        """The folders around the data directory; refuses a data directory that is not ours."""
        _make_folder(self.path, 0o755, None)
        _make_folder(self.log_file.parent, 0o755, None)
        _make_folder(self.socket, 0o700, self.user)
        found = self.socket.lstat()
        private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not private or found.st_uid != self.user.uid:
            raise ClusterError(
                f"The folder {self.socket} must be private to {self.user.name}; remove it."
            )
        if not self.is_new() and not (self.data / MARKER).exists():
            raise ClusterError(
                f"The folder {self.data} holds files that OneMap did not make; "
                "name another folder with ONEMAP_HOME."
            )

    def is_new(self) -> bool:
        """Whether there is no data directory yet."""
        return not self.data.exists() or not any(self.data.iterdir())

    def initialise(self, binaries: Binaries) -> None:
        """initdb into a folder beside, moved into place only when complete."""
        new = self.path / "db.new"
        if new.exists():
            shutil.rmtree(new)  # an interrupted attempt of ours
        _make_folder(new, 0o700, self.user)
        command = [
            *(str(binaries.initdb), f"--pgdata={new}", f"--username={ADMIN}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"),
            *("--auth-local=peer", "--auth-host=reject"),
        ]
        told = self.user.run(command)
        if told.returncode != 0:
            shutil.rmtree(new, ignore_errors=True)
            said = told.stderr.splitlines()
            reasons = [line for line in said if "error:" in line or "FATAL:" in line] or said
            why = reasons[0].rpartition("error: ")[2].strip() if reasons else "no reason given"
            raise ClusterError(f"The database folder {self.data} cannot be made: {why}.")
        base = (new / "postgresql.conf").read_text()
        self._write(new / "postgresql.conf", base + "\ninclude 'onemap.conf'\n")
        self._write(new / MARKER, "1\n")
        new.replace(self.data)

    def configure(self, memory_bytes: int) -> None:
        """Write what the server reads when it starts."""
        shared = Path("/dev/shm")
        settings = configuration(
            memory_bytes=memory_bytes,
            cpus=len(os.sched_getaffinity(0)),
            shared_memory_bytes=shutil.disk_usage(shared).total if shared.is_dir() else 0,
            socket=self.socket,
        )
        people = dict.fromkeys(["root", self.user.name])
        self._write(self.data / "onemap.conf", settings)
        self._write(self.data / "pg_hba.conf", "local all all peer map=onemap\n")
        self._write(
            self.data / "pg_ident.conf",
            "".join(f'onemap "{person}" {role}\n' for person in people for role in (ADMIN, LOGIN)),
        )

    def _write(self, path: Path, text: str) -> None:
        """Replace *path* whole; never through a link the server's user might have laid for root."""
        new = path.with_name(path.name + ".new")
        with suppress(FileNotFoundError):
            new.unlink()
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w") as file:
            if not self.user.is_me:
                os.fchown(handle, self.user.uid, self.user.gid)
            file.write(text)
        new.replace(path)


def locate(home: Path, *, given: bool, elsewhere: Path = ELSEWHERE) -> ClusterFolder:
    """Where the cluster of *home* lies: there, or, if nobody chose it, where its user gets in."""
    home = home.absolute()
    pointer = home / POINTER
    if pointer.is_file():
        path = Path(pointer.read_text().strip())
        return ClusterFolder(path=path, user=server_user(path / "db"))
    folder = ClusterFolder(path=home, user=server_user(home / "db"))
    if reachable(home, folder.user):
        return folder
    if given:
        raise ClusterError(
            f"PostgreSQL runs as {folder.user.name}, who cannot enter {home}; name a folder with "
            "ONEMAP_HOME whose parents everyone may enter, such as /var/lib/onemap."
        )
    moved = elsewhere / _digest(home)
    _make_folder(home, 0o755, None)
    pointer.write_text(f"{moved}\n")
    return ClusterFolder(path=moved, user=server_user(moved / "db"))


def _make_folder(path: Path, mode: int, owner: ServerUser | None) -> None:
    """Make *path* with exactly *mode*, whatever the umask; what exists is left as it is."""
    missing = [p for p in (path, *path.parents) if not os.path.lexists(p)]
    for folder in reversed(missing):
        with suppress(FileExistsError):  # another program that starts at the same moment made it
            folder.mkdir()
            folder.chmod(mode if folder == path else 0o755)
    if owner is not None and not owner.is_me and (missing or not any(path.iterdir())):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def configuration(*, memory_bytes: int, cpus: int, shared_memory_bytes: int, socket: Path) -> str:
    """The text of onemap.conf."""
    return "".join(
        f"{name} = {_quoted(value)}\n"
        for name, value in _settings(memory_bytes, cpus, shared_memory_bytes, socket).items()
    )


def _settings(memory: int, cpus: int, shared_memory: int, socket: Path) -> dict[str, str]:
    return {
        # Only programs of this machine, through one private folder; nothing listens on the network.
        "listen_addresses": "",
        "unix_socket_directories": f'"{socket}"',
        "unix_socket_permissions": "0700",
        "max_connections": str(MAX_CONNECTIONS),
        "shared_buffers": _mib(memory * 0.2, 32, 2048),
        "effective_cache_size": _mib(memory * 0.5, 64, 65536),
        "work_mem": _mib(memory * 0.25 / MAX_CONNECTIONS, 4, 64),
        "maintenance_work_mem": _mib(memory / 16, 32, 1024),
        # A container's default /dev/shm of 64 MB is too small for one parallel query.
        "dynamic_shared_memory_type": "posix" if shared_memory >= 512 * MIB else "mmap",
        "max_wal_size": "2GB",
        "min_wal_size": "128MB",
        "wal_compression": "on",
        "checkpoint_completion_target": "0.9",
        "synchronous_commit": "on",
        "max_parallel_workers": str(max(cpus, 1)),
        "max_parallel_workers_per_gather": str(min(2, max(cpus // 2, 0))),
        "random_page_cost": "1.1",
        "jit": "off",  # compiling costs more than a page of features
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        "log_checkpoints": "off",
        "log_lock_waits": "on",
        "log_min_duration_statement": "2s",
        "log_parameter_max_length": "256",
        "log_parameter_max_length_on_error": "0",
        "cluster_name": "onemap",
    }


def _mib(value: float, low: int, high: int) -> str:
    return f"{min(max(int(value / MIB), low), high)}MB"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
