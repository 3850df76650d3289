"""Running the HTTP server: the socket first, so that a taken port is one sentence."""

import socket
import time

import uvicorn
from uvicorn.supervisors import Multiprocess

from config.settings import Settings, hand_over
from providers.errors import CannotRun
from server.http1 import Http1

LEFTOVERS_S = 3.0


class PortTaken(CannotRun):
    """The address cannot be listened on; one plain sentence."""


def bind(settings: Settings) -> socket.socket:
    """A listening socket on the instance's address; what a killed instance left may end first."""
    until = time.monotonic() + LEFTOVERS_S
    while True:
        try:
            return _bind(settings)
        except PortTaken:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _bind(settings: Settings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(
            2048
        )  # before the data are loaded: two instances cannot both think it theirs
    except OSError as error:
        raise PortTaken(
            f"Cannot listen on {settings.host}:{settings.port} ({error.strerror or error});"
            " choose another with ONEMAP_PORT or ONEMAP_HOST."
        ) from error
    listening.set_inheritable(True)
    return listening


def serve(settings: Settings, database_url: str, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished first."""
    hand_over(ONEMAP_DATABASE_URL=database_url)
    config = uvicorn.Config(
        "server.asgi:application",
        factory=True,
        workers=settings.processes,
        loop="uvloop",
        http=Http1,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=15,
        timeout_keep_alive=30,
        limit_concurrency=1_000,
        proxy_headers=False,
    )
    if settings.processes > 1:
        Multiprocess(config, sockets=[listening]).run()
    else:
        uvicorn.Server(config).run(sockets=[listening])
