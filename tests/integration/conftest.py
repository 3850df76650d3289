"""Small layers to load: squares on a grid, with every required field filled."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from datetime import date
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import shapely
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from config.loader import catalogue_folders, load
from config.model import Catalogue, Field, Layer
from config.settings import PACKAGE_ROOT, Settings
from config.vocabulary import EditionKey, EditionStatus, FieldType, Issuer, Text
from processes.workflows.feature_table import FeatureTable
from processes.workflows.load import load_edition
from providers.editions import Edition
from providers.revisions import Revision, RevisionKind
from server.__main__ import main
from server.app import create_app

COVERAGE = shapely.MultiPolygon([shapely.box(124, 42, 127, 45)]).wkb


def an_edition(
    layer: Layer, key: str, start: date = date(2023, 1, 1), end: date | None = None
) -> Edition:
    return Edition(
        layer=layer.id,
        key=EditionKey(key),
        title=Text(zh=key, en=key),
        valid_from=start,
        valid_to=end,
        status=EditionStatus.IN_FORCE,
        issuer=Issuer.ABOVE,
        document="test",
        plan="P1" if layer.plan == "required" else None,
        coverage=COVERAGE,
    )


def a_value(field: Field) -> Any:
    if field.code_list is not None:
        return next(iter(field.code_list.codes))
    return {
        FieldType.TEXT: "1",
        FieldType.INTEGER: 1,
        FieldType.DECIMAL: 1.5,
        FieldType.DATE: date(2023, 1, 1),
        FieldType.BOOLEAN: True,
    }[field.type]


def squares(
    layer: Layer,
    ids: Sequence[str],
    *,
    west: float = 125.0,
    size: float = 0.01,
    columns: dict[str, list[Any]] | None = None,
) -> FeatureTable:
    """One square per id, *size* degrees wide at 43°N, at the place that its number says."""
    region = {layer.region: ["220102"] * len(ids)} if layer.field(layer.region) else {}
    required = {f.code: [a_value(f)] * len(ids) for f in layer.fields if f.required}
    places = [west + size * (int(name) if name else 0) for name in ids]
    boxes = [shapely.box(x, 43.0, x + size, 43.0 + size) for x in places]
    return FeatureTable(
        values={
            **required,
            **region,
            **{code: list(ids) for code in layer.identity},
            **(columns or {}),
        },
        geometry=np.array(boxes, dtype=object),
    )


type Loader = Callable[..., Revision]


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """An instance of this test alone, over the demo's catalogue."""
    return Settings(
        home=tmp_path,
        store=tmp_path / "store",
        database_url=database_url,
        catalogue=(PACKAGE_ROOT / "demo",),
    )


@pytest.fixture
def own(settings: Settings, catalogue: Catalogue) -> Iterator[TestClient]:
    """The application in this process, over a database of this test alone."""
    application = create_app(settings, catalogue, str(settings.database_url))
    with capture_logs(), TestClient(application) as one:
        yield one


@pytest.fixture
def load_squares(database_url: str, catalogue: Catalogue) -> Loader:
    """Publish squares as an edition of a layer."""

    def load(
        layer_id: str,
        key: str,
        ids: Sequence[str],
        *,
        start: date = date(2023, 1, 1),
        end: date | None = None,
        kind: RevisionKind = RevisionKind.LOAD,
        regions: tuple[str, ...] = (),
        **options: Any,
    ) -> Revision:
        layer = catalogue.layers[layer_id]
        return load_edition(
            database_url,
            layer,
            an_edition(layer, key, start, end),
            squares(layer, ids, **options).of(layer),
            author="test",
            note="",
            kind=kind,
            regions=regions,
        )

    return load


@pytest.fixture(scope="session")
def command() -> Callable[..., CompletedProcess[str]]:
    """Run a verb of `onemap` in this process: its exit code, and what it prints."""

    def run(*arguments: str, **environ: str) -> CompletedProcess[str]:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        out, err = StringIO(), StringIO()
        with patch.dict(os.environ, environ), redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(arguments)
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
            finally:
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        return CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def make_squares() -> Callable[..., FeatureTable]:
    return squares


@pytest.fixture(scope="session")
def serving_entry() -> Callable[..., AbstractContextManager[TestClient]]:
    """The application in this process, over the demo's catalogue and one entry more."""

    @contextmanager
    def serve(address: str, home: Path, entry: str, items: str) -> Iterator[TestClient]:
        folder = home / "catalogue"
        folder.mkdir()
        (folder / "layers.yaml").write_text(entry, "utf-8")
        settings = Settings(
            home=home,
            store=home / "store",
            database_url=address,
            catalogue=(PACKAGE_ROOT / "demo", folder),
        )
        application = create_app(settings, load(catalogue_folders(settings)), address)
        with capture_logs(), TestClient(application) as client:
            for _ in range(1_200):
                if client.get("/health/ready").status_code == client.get(items).status_code == 200:
                    break
                time.sleep(0.05)
            yield client

    return serve
