"""The layers of one tile of several: which ones, and how they are put together within a bound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.model import Layer
from config.vocabulary import GeometryKind, LayerId, Text
from providers.access import Scope
from providers.errors import BadParameter
from providers.omitted_features import features_told, omitted_layer
from providers.tiles import MAX_TILE_BYTES
from server.snapshot import Snapshot

# However many layers there are: a tile is as large as four full tiles of single layers at most.
MAX_TOGETHER_BYTES = 4 * MAX_TILE_BYTES
MADE_TOGETHER = 4  # of one tile's layers that are not kept: other tiles have their turns too
WITHOUT_PLACE = Text(
    zh="没有空间位置的表，没有瓦片；可由其要素资源读取",
    en="a table without places, which has no tiles; its rows are among its items",
)
WITHOUT_PAST = Text(
    zh="外部表，不记录过去的状态；去掉 asOf 即可包含",
    en="a table whose past states are not recorded; it is there without asOf",
)
RULE = Text(
    zh="缺省包含调用者可见的全部有空间位置的图层，按资源目录排序；"
    "collections=a,b 只取所列图层并按所列次序排列。"
    "一张瓦片至多 {kilobytes} KB：依次放入，放不下的图层整层略去，"
    "其略去的要素数写在该瓦片的图层“图层名_omitted”中；把图层列在前面或少列图层即可取得。",
    en="All layers with a place that the caller may see, in the order of the resource tree;"
    " collections=a,b chooses layers and their order. A tile has at most {kilobytes} KB: layers are"
    " taken in their order, one that no longer fits is left out of that tile as a whole, and the"
    " tile's layer <layer>_omitted says how many features it has. Named first, or among fewer, it"
    " is there.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A layer that tiles of all layers do not have, and why."""

    layer: Layer
    why: Text


def asked_layers(snapshot: Snapshot, given: Mapping[str, str], caller: Scope) -> Sequence[str]:
    """The collections that are asked for, in the order of their drawing; else every layer."""
    if "collections" not in given:
        return [layer.id for layer in snapshot.visible(caller) if _why_not(layer, given) is None]
    names = given["collections"].split(",")
    if len({name.partition(".")[0] for name in names}) < len(names):
        expected = "collections of different layers, separated by commas"
        raise BadParameter("collections", given["collections"], expected)
    return names


def left_out(snapshot: Snapshot, given: Mapping[str, str], caller: Scope) -> list[LeftOut]:
    """What *every layer* does not include; nothing where layers were chosen."""
    if "collections" in given:
        return []
    reasons = ((layer, _why_not(layer, given)) for layer in snapshot.visible(caller))
    return [LeftOut(layer=layer, why=why) for layer, why in reasons if why is not None]


def _why_not(layer: Layer, given: Mapping[str, str]) -> Text | None:
    if layer.geometry is GeometryKind.NONE:
        return WITHOUT_PLACE
    return WITHOUT_PAST if layer.external is not None and "asOf" in given else None


def together(tiles: Sequence[tuple[LayerId, bytes]], most: int = MAX_TOGETHER_BYTES) -> bytes:
    """The layers' tiles as one: layers may stand one after the other.

    Each in its turn, as long as it fits into *most* bytes; of one that does not, the number of its
    features alone.
    """
    parts: list[bytes] = []
    size = 0
    for layer, content in tiles:
        if size + len(content) > most:
            content = omitted_layer(f"{layer}_omitted", features_told(content))
        parts.append(content)
        size += len(content)
    return b"".join(parts)
