"""External layers as the database has them now; one that cannot be shown never stops the others."""

import asyncio

import structlog

from config.model import Catalogue, Layer
from providers.external import describe_all

log = structlog.get_logger()


async def external_layers(url: str, catalogue: Catalogue) -> dict[str, Layer]:
    """The catalogue's external layers, by id; what cannot be shown is logged and undescribed."""
    declared = [layer for layer in catalogue.layers.values() if layer.external is not None]
    if not declared:
        return {}
    found, refused = await asyncio.to_thread(describe_all, url, declared)
    for one in refused:
        log.warning("external_layer_unavailable", layer=one.layer, findings=one.findings)
    return found
