"""The factory that uvicorn calls in each of its processes."""

import gc

from starlette.applications import Starlette

from config.loader import catalogue_folders, load
from config.settings import Settings, SettingsError
from server.app import create_app
from server.lifeline import follow_spawner
from server.logs import configure
from server.memory import keep_large_blocks


def application() -> Starlette:
    """The application as the environment describes it."""
    settings = Settings.from_environ()
    if settings.database_url is None:
        raise SettingsError(
            "ONEMAP_DATABASE_URL is not set; `onemap serve` sets it for its processes."
        )
    configure(settings.log_level)
    follow_spawner()
    keep_large_blocks()
    found = create_app(settings, load(catalogue_folders(settings)), settings.database_url)
    gc.freeze()  # what is loaded now is never garbage, and need not be looked through again
    return found
