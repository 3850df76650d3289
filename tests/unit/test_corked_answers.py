"""What is written in one turn of the loop leaves in one piece, and nothing written is ever lost."""

import asyncio
from typing import Any

from server.http1 import HELD_BYTES, Corked


class Wire:
    """A transport that notes what is sent together."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []
        self.closed = False

    def writelines(self, pieces: list[bytes]) -> None:
        assert not self.closed
        self.sent.append(pieces)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> str:
        return name


def corked(wire: Any) -> Corked:
    return Corked(wire, asyncio.get_running_loop())


def test_head_and_body_leave_together() -> None:
    async def turns() -> None:
        wire = Wire()
        transport = corked(wire)

        transport.write(b"head")
        transport.write(b"body")
        assert wire.sent == []
        await asyncio.sleep(0)

        assert wire.sent == [[b"head", b"body"]]
        transport.write(b"next")
        await asyncio.sleep(0)
        assert wire.sent[1:] == [[b"next"]]

    asyncio.run(turns())


def test_much_is_not_held() -> None:
    async def turns() -> None:
        wire = Wire()
        transport = corked(wire)

        transport.write(b"head")
        transport.write(bytes(HELD_BYTES))

        assert [len(b"".join(pieces)) for pieces in wire.sent] == [HELD_BYTES + 4]
        await asyncio.sleep(0)
        assert len(wire.sent) == 1

    asyncio.run(turns())


def test_what_is_held_leaves_before_the_connection_is_closed() -> None:
    async def turns() -> None:
        wire = Wire()
        transport = corked(wire)

        transport.write(b"last words")
        transport.close()

        assert wire.sent == [[b"last words"]]
        assert wire.closed
        await asyncio.sleep(0)
        assert len(wire.sent) == 1

    asyncio.run(turns())


def test_what_is_held_is_lost_with_a_connection_that_the_client_gave_up() -> None:
    async def turns() -> None:
        wire = Wire()
        transport = corked(wire)

        transport.write(b"nobody reads this")
        wire.close()
        await asyncio.sleep(0)

        assert wire.sent == []

    asyncio.run(turns())


def test_all_else_is_the_transports_own() -> None:
    async def turns() -> None:
        assert corked(Wire()).get_extra_info("peername") == "peername"

    asyncio.run(turns())
