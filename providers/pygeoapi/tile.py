"""The tile provider that pygeoapi sees: the same statement as our own tiles."""

from dataclasses import replace
from typing import Any

from pygeoapi.provider.base_mvt import BaseMVTProvider
from pygeoapi.provider.tile import ProviderTileNotFoundError, ProviderTilesetIdNotFoundError

from config.vocabulary import GeometryKind
from providers.errors import BadParameter, NotFound
from providers.grids import WEB_MERCATOR_QUAD, TileAddress, parse_address
from providers.overview_sources import Drawn
from providers.pygeoapi.source import View, layer_of, told_upstream, view
from providers.tile_sources import ROWS, Answered, Drawing, source_of
from providers.tiles import MAX_TILE_FEATURES, MVT, Form, TileQuery, attributes_at

TILING_SCHEME = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"


class LayerTileProvider(BaseMVTProvider):  # type: ignore[misc]
    """Vector tiles of one layer in WebMercatorQuad."""

    def __init__(self, provider_def: dict[str, Any]) -> None:
        super().__init__(provider_def)
        self._block = provider_def
        self._layer = layer_of(provider_def)
        self._service_url = ""

    def get_layer(self) -> str:
        """The name of the layer inside its tiles."""
        return self._layer.id

    def get_fields(self) -> dict[str, dict[str, Any]]:
        """What a tile carries beside the id: what the style needs."""
        fields = attributes_at(self._layer, Drawn.ROWS, WEB_MERCATOR_QUAD.last)
        return {field.code: {"type": "string"} for field in fields}

    def get_tiles_service(
        self,
        baseurl: str | None = None,
        servicepath: str | None = None,
        dirpath: str | None = None,
        tile_type: str | None = None,
    ) -> dict[str, Any]:
        """The links of the list of tilesets."""
        self._service_url = servicepath or ""
        links: dict[str, Any] = self.get_tms_links()
        return links

    def get_tiles(
        self,
        layer: str | None = None,
        tileset: str | None = None,
        z: str | int | None = None,
        y: str | int | None = None,
        x: str | int | None = None,
        format_: str | None = None,
    ) -> bytes | None:
        """One tile; None where nothing is drawn.

        Raises
        ------
        ProviderTilesetIdNotFoundError, ProviderTileNotFoundError
            For a grid that is not served, and an address outside of it.
        """
        if tileset != WEB_MERCATOR_QUAD.id:
            raise ProviderTilesetIdNotFoundError()
        address = _address(str(z), str(y), str(x))
        if address is None or self._layer.geometry is GeometryKind.NONE:
            raise ProviderTileNotFoundError()
        with told_upstream():
            seen = view(self._block, None)
            if seen.relation is None:
                return None
            content = _drawn(seen, address)
        return content or None

    def get_metadata(
        self,
        dataset: str,
        server_url: str,
        layer: str | None = None,
        tileset: str | None = None,
        metadata_format: str | None = None,
        title: str | None = None,
        description: str | None = None,
        keywords: object = None,
        **kwargs: object,
    ) -> dict[str, Any]:
        """The tileset's description: JSON too where no format is asked for (upstream fails)."""
        if tileset != WEB_MERCATOR_QUAD.id:
            raise ProviderTilesetIdNotFoundError()
        form = metadata_format or "json"
        metadata: dict[str, Any] = super().get_metadata(
            dataset, server_url, layer, tileset, form, title, description, keywords
        )
        return metadata

    def get_default_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: object, **kwargs: object,
    ) -> dict[str, Any]:  # fmt: skip
        """Tileset metadata as OGC 17-083r4 writes it."""
        grid = self.get_tilematrixset(tileset)
        definition = f"{server_url}/TileMatrixSets/{tileset}"
        template = _template(server_url, dataset)
        json = {"type": "application/json", "title": tileset}
        return {
            "title": title,
            "description": description,
            "dataType": "vector",
            "crs": grid.crs,
            "tileMatrixSetURI": grid.tileMatrixSetURI,
            "links": [
                {"href": definition, "rel": TILING_SCHEME, **json},
                {"href": template, "rel": "item", "type": MVT, "templated": True},
            ],
            "layers": [{"id": layer, "dataType": "vector"}],
        }

    def get_vendor_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: object, **kwargs: object,
    ) -> dict[str, Any]:  # fmt: skip
        """TileJSON 3.0."""
        template = _template(server_url, dataset)
        for ours, theirs in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
            template = template.replace(ours, theirs)
        fields = {code: field["type"] for code, field in self.get_fields().items()}
        return {
            "tilejson": "3.0.0",
            "name": title,
            "description": description,
            "tiles": [template],
            "minzoom": 0,
            "maxzoom": WEB_MERCATOR_QUAD.last,
            "vector_layers": [{"id": layer, "fields": fields}],
        }

    def get_html_metadata(
        self, dataset: str, server_url: str, layer: str, tileset: str, title: str, description: str,
        keywords: object, **kwargs: object,
    ) -> dict[str, Any]:  # fmt: skip
        """What upstream's page of a tileset reads."""
        return {
            "id": dataset,
            "title": title,
            "tileset": tileset,
            "collections_path": _template(server_url, dataset),
            "json_url": f"{server_url}/collections/{dataset}/tiles/{tileset}/metadata?f=json",
        }

    def __repr__(self) -> str:
        return f"<LayerTileProvider> {self._layer.id}"


def _template(server_url: str, dataset: str) -> str:
    path = f"/collections/{dataset}/tiles/{WEB_MERCATOR_QUAD.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"
    return server_url + path


def _drawn(seen: View, address: TileAddress) -> bytes:
    """The tile within its bounds, from the source that our own engine draws it from."""
    edition = seen.state.edition.key if seen.state else None
    query = TileQuery(address=address)
    source = source_of(query, seen.scope, seen.state.overview if seen.state else None)
    drawing = Drawing(seen.layer, edition, query, seen.scope, source=source)
    form, most = drawing.begin, MAX_TILE_FEATURES
    while True:
        row = seen.first(drawing.statement(form), drawing.values(most))
        if row is None:
            return b""
        if row[1] is None and drawing.source != ROWS:
            drawing = replace(drawing, source=ROWS)  # the overview is another by now
            form, most = drawing.begin, MAX_TILE_FEATURES
            continue
        found = Answered(content=row[0] or b"", version=row[1], met=row[2], drawn=row[3])
        if (fewer := drawing.fewer(form, most, found)) is None:
            return drawing.tile(form, most, found).content
        form, most = Form.LARGEST, fewer


def _address(z: str, row: str, column: str) -> TileAddress | None:
    """The tile's address; None for what is not a tile of the grid."""
    try:
        return parse_address(WEB_MERCATOR_QUAD, z, row, column)
    except (BadParameter, NotFound):
        return None
