"""Liveness, readiness and metrics."""

import ipaddress

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from providers.errors import NotFound, StoreTimeout, StoreUnavailable
from server import tile_figures
from server.state import onemap, principal

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "onemap_http_requests",
    "Requests by route, method and status",
    ["route", "method", "status"],
    registry=REGISTRY,
)
DURATIONS = Histogram(
    "onemap_http_request_seconds",
    "Seconds from request to last byte, by route",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
for figures in tile_figures.ALL:
    REGISTRY.register(figures)
METRICS_FUNCTION = "metrics"


async def live(request: Request) -> Response:
    """GET /health/live: this process answers."""
    return JSONResponse({"status": "live"}, headers={"Cache-Control": "no-store"})


async def ready(request: Request) -> Response:
    """GET /health/ready: the catalogue is loaded and the database answers."""
    one = onemap(request)
    faults: list[str] = []
    if one.snapshot.loaded_at is None:
        faults.append("the catalogue is not loaded yet")
    try:
        async with one.pools.reading() as connection:
            await connection.execute("SELECT 1")
    except (StoreUnavailable, StoreTimeout):
        faults.append("the database does not answer")
    status = {"status": "ready"} if not faults else {"status": "not ready", "faults": faults}
    return JSONResponse(status, 503 if faults else 200, headers={"Cache-Control": "no-store"})


async def metrics(request: Request) -> Response:
    """GET /metrics: for loopback, or a key that has the function `metrics`; else not there."""
    if not (
        _loopback(request)
        or (not principal(request).anonymous and principal(request).scope.may(METRICS_FUNCTION))
    ):
        raise NotFound("resource", "/metrics")
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _loopback(request: Request) -> bool:
    """A direct caller on this machine; a forwarded request is not one."""
    if request.client is None or "x-forwarded-for" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
