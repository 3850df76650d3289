"""The settings of one instance, read once from the environment: the only reader of os.environ."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.remote_hosts import RemoteHost, parse_hosts

PACKAGE_ROOT = Path(__file__).resolve().parent
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEMO_CATALOGUE = "demo"
# In force only where the demo runs on this machine alone: examples can then sign in as they stand.
DEMO_KEY = "om_demo00000001_simulated-city-key-for-trying-out-the-demo-"


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message is one plain sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an instance is told; every field is the environment variable ONEMAP_<FIELD>."""

    home: Path
    home_given: bool = False  # not a variable: whether ONEMAP_HOME named the home
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"
    database_url: str | None = None  # None: the embedded cluster
    catalogue: tuple[Path, ...] = ()  # a bureau's own folders, after the product defaults
    store: Path
    planar_crs: str | None = None  # EPSG code of the plane for planar areas, e.g. EPSG:4528
    dask_scheduler: str | None = None
    processes: int = 1  # uvicorn workers
    page_cache_mb: int = 16  # short pages of features that each process keeps; 0: none
    tile_cache_mb: int = 64  # tiles that each process keeps in memory; 0: none are kept at all
    tile_store_mb: int = 1024  # tiles kept as files in the store; 0: none
    sync_wait_s: float = 10.0
    fetch_hosts: tuple[RemoteHost, ...] = ()  # where inputs by reference may lie
    callback_hosts: tuple[RemoteHost, ...] = ()  # who may be told of a job's end
    upload_mb: int = 512  # MiB of one uploaded file at most
    upload_quota_mb: int = 4096  # MiB of all uploads of one owner
    upload_files: int = 200  # uploads of one owner
    upload_days: int = 7  # days until an upload is removed
    job_queue: int = 2_000  # jobs of all owners that may wait
    job_days: int = 30  # days for which an ended job and its results are kept
    worker_lost_s: float = 30.0  # without a sign of life; all workers must be told the same
    log_level: str = "INFO"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read and check every setting; an unknown ONEMAP_ variable is an error, not a typo kept."""
        values = {
            name.removeprefix("ONEMAP_"): value.strip()
            for name, value in (os.environ if environ is None else environ).items()
            if name.startswith("ONEMAP_") and value.strip()
        }
        if unknown := values.keys() - KNOWN:
            name = min(unknown)
            known = ", ".join(f"ONEMAP_{k}" for k in sorted(KNOWN))
            raise SettingsError(f"ONEMAP_{name} is not a setting; known are {known}.")
        home = Path(values.get("HOME", ".onemap")).expanduser().absolute()
        host = values.get("HOST", "127.0.0.1")
        port = _integer("PORT", values.get("PORT", "8080"), 1, 65535)
        shown = f"[{host}]" if ":" in host else host
        level = values.get("LOG_LEVEL", "INFO").upper()
        if level not in LOG_LEVELS:
            raise SettingsError(
                f"ONEMAP_LOG_LEVEL is {level!r}; expected one of {', '.join(LOG_LEVELS)}."
            )
        return cls(
            home=home,
            home_given="HOME" in values,
            host=host,
            port=port,
            public_url=_url("PUBLIC_URL", values.get("PUBLIC_URL", f"http://{shown}:{port}")),
            database_url=_database(values.get("DATABASE_URL")),
            catalogue=tuple(_folder(p) for p in values.get("CATALOGUE", "").split(os.pathsep) if p),
            store=Path(values["STORE"]).absolute() if "STORE" in values else home / "store",
            planar_crs=values.get("PLANAR_CRS"),
            dask_scheduler=_scheduler(values.get("DASK_SCHEDULER")),
            processes=_integer("PROCESSES", values.get("PROCESSES", "1"), 1, 64),
            page_cache_mb=_integer("PAGE_CACHE_MB", values.get("PAGE_CACHE_MB", "16"), 0, 65_536),
            tile_cache_mb=_integer("TILE_CACHE_MB", values.get("TILE_CACHE_MB", "64"), 0, 65_536),
            tile_store_mb=_integer(
                "TILE_STORE_MB", values.get("TILE_STORE_MB", "1024"), 0, 1_048_576
            ),
            sync_wait_s=_number("SYNC_WAIT_S", values.get("SYNC_WAIT_S", "10"), 0, 300),
            fetch_hosts=_hosts("FETCH_HOSTS", values.get("FETCH_HOSTS", "")),
            callback_hosts=_hosts("CALLBACK_HOSTS", values.get("CALLBACK_HOSTS", "")),
            upload_mb=_integer("UPLOAD_MB", values.get("UPLOAD_MB", "512"), 1, 1_048_576),
            upload_quota_mb=_integer(
                "UPLOAD_QUOTA_MB", values.get("UPLOAD_QUOTA_MB", "4096"), 1, 1_073_741_824
            ),
            upload_files=_integer("UPLOAD_FILES", values.get("UPLOAD_FILES", "200"), 1, 1_000_000),
            upload_days=_integer("UPLOAD_DAYS", values.get("UPLOAD_DAYS", "7"), 1, 3_650),
            job_queue=_integer("JOB_QUEUE", values.get("JOB_QUEUE", "2000"), 1, 1_000_000),
            job_days=_integer("JOB_DAYS", values.get("JOB_DAYS", "30"), 1, 3_650),
            worker_lost_s=_number("WORKER_LOST_S", values.get("WORKER_LOST_S", "30"), 3, 3_600),
            log_level=level,
        )


KNOWN = frozenset(name.upper() for name in Settings.__dataclass_fields__ if name != "home_given")


def demo_folder() -> Path:
    """The demo's own catalogue folder."""
    return PACKAGE_ROOT / DEMO_CATALOGUE


def child_environ(**changes: str) -> dict[str, str]:
    """This process's environment for a child process, with *changes*."""
    return {**os.environ, **changes}


def hand_over(**values: str) -> None:
    """Set variables for this process's own factories and children, which read them again."""
    os.environ.update(values)


def _folder(text: str) -> Path:
    if text == DEMO_CATALOGUE:
        return demo_folder()
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise SettingsError(f"ONEMAP_CATALOGUE names {text!r}, which is not a folder.")
    return path


def _integer(name: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise SettingsError(f"ONEMAP_{name} is {text!r}; expected an integer from {low} to {high}.")
    return int(text)


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingsError(f"ONEMAP_{name} is {text!r}; expected a number from {low} to {high}.")
    return value


def _hosts(name: str, text: str) -> tuple[RemoteHost, ...]:
    try:
        return parse_hosts(text)
    except ValueError as error:
        raise SettingsError(f"ONEMAP_{name}: {error}.") from error


def _url(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise SettingsError(f"ONEMAP_{name} is {text!r}; expected an http or https address.")
    return text.rstrip("/")


def _scheduler(text: str | None) -> str | None:
    if text is None:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or parts.port is None:
        raise SettingsError(
            f"ONEMAP_DASK_SCHEDULER is {text!r}; expected tcp://host:port or tls://host:port."
        )
    return text


def _database(text: str | None) -> str | None:
    if text is not None and urlsplit(text).scheme not in ("postgresql", "postgres"):
        raise SettingsError("ONEMAP_DATABASE_URL must begin with postgresql://.")
    return text
