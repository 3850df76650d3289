"""The layers of one tile of several: which ones, and how they are put together within a bound."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from config.model import Layer
from config.vocabulary import GeometryKind, LayerId, Text
from providers.access import Scope
from providers.errors import BadParameter
from providers.omitted_features import features_told, most_told, omitted_layer
from providers.tiles import MAX_TILE_BYTES
from server.snapshot import Snapshot

# However many layers there are: a tile is as large as four full tiles of single layers at most.
MAX_TOGETHER_BYTES = 4 * MAX_TILE_BYTES
AT_ONCE = 4  # of one tile's layers: other tiles have their turns too
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
    "略去的数目（要素数，在画合并面的级别为合并面数）写在该瓦片的图层“图层名_omitted”中；"
    "把图层列在前面或少列图层即可取得。",
    en="All layers with a place that the caller may see, in the order of the resource tree;"
    " collections=a,b chooses layers and their order. A tile has at most {kilobytes} KB: layers are"
    " taken in their order, one that no longer fits is left out of that tile as a whole, and the"
    " tile's layer <layer>_omitted says how many features, or areas of classes where such are"
    " drawn, it would have. Named first, or among fewer, it is there.",
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
    if not all(names):
        raise BadParameter("collections", given["collections"], "ids, separated by commas")
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


async def of_each[T, R](work: Callable[[T], Awaitable[R]], given: Sequence[T]) -> list[R]:
    """What *work* makes of each, a few at once; the first failure ends the others."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(each: T) -> R:
        async with turns:
            return await work(each)

    tasks = [asyncio.create_task(one(each)) for each in given]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def together(tiles: Sequence[tuple[LayerId, bytes]], most: int = MAX_TOGETHER_BYTES) -> bytes:
    """The layers' tiles as one: layers may stand one after the other.

    Each in its turn, as long as it fits into *most* bytes with the numbers of all that come after;
    of one that does not, the number of its features, or areas of classes, alone.
    """
    least = [min(len(content), most_told(layer)) for layer, content in tiles]
    parts: list[bytes] = []
    room = most - sum(least)
    for (layer, content), kept in zip(tiles, least, strict=True):
        if len(content) - kept > room:
            content = omitted_layer(layer, features_told(layer, content))
        parts.append(content)
        room -= len(content) - kept
    return b"".join(parts)
