"""Cold tiles far out give way to everything else that is answered: here it is noted."""

from starlette.types import ASGIApp, Receive, Scope, Send

# Who asks for these holds no tile up: tiles and their sets, looks at our health, the pages' files.
OURS = ("/tiles", "/health/", "/metrics", "/app/", "/static/")
TILES = "/tiles/"


class GivingWay:
    """ASGI middleware: notes as long as a request for something else is under way."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or TILES in path or path.startswith(OURS):
            await self.app(scope, receive, send)
            return
        courtesy = scope["app"].state.onemap.tiles.slots.courtesy
        with courtesy.answering():
            await self.app(scope, receive, send)
