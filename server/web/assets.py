"""The built web application under /app: hashed files for ever, the page always asked for anew."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from providers.errors import NotFound

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # the smaller first
IMMUTABLE, REVALIDATED = "public, max-age=31536000, immutable", "no-cache"
HASHED_FOLDER = "assets"

#: What the digest of a build is made of, beside `src/` and `public/`, relative to this folder.
CONFIGURATION = (
    ".npmrc",
    "index.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
)
OPENAPI = "../../openapi/onemap.openapi.json"
GENERATED, TESTS = "src/api/schema.d.ts", ".test.ts"

NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>尚未构建 / Not built</title></head>
<body><h1>网页应用尚未构建</h1>
<p>请在项目目录中运行 <code>make install</code>，然后刷新本页。数据接口不受影响：
<a href="/">/</a></p>
<div lang="en"><h1>The web application is not built</h1>
<p>Run <code>make install</code> in the project folder, then reload this page.
The API is not affected: <a href="/">/</a></p></div></body></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of dist/ with its precompressed forms; *tag* is the digest of the plain bytes."""

    media_type: str
    plain: bytes
    encoded: dict[str, bytes]
    tag: str
    cache: str


def routes(dist: Path) -> list[BaseRoute]:
    """Everything below /app, from the build in *dist*."""

    async def asset(request: Request) -> Response:
        return await _answer(request, dist, f"{HASHED_FOLDER}/{request.path_params['path']}")

    async def page(request: Request) -> Response:
        name = request.path_params.get("path", "")
        found = name if name and _is_file(dist, name) else "index.html"
        return await _answer(request, dist, found)

    return [
        Route(f"/app/{HASHED_FOLDER}/{{path:path}}", asset, name="app-asset"),
        Route("/app", page, name="app"),
        Route("/app/{path:path}", page, name="app-page"),
    ]


async def _answer(request: Request, dist: Path, name: str) -> Response:
    asset = await run_in_threadpool(_read, dist, name)
    if asset is None and name == "index.html":
        headers = {"Cache-Control": "no-store", "Retry-After": "60"}
        return Response(NOT_BUILT, 503, headers, MEDIA_TYPES[".html"])
    if asset is None:
        raise NotFound("file of the web application", name)
    encoding = _encoding(request.headers.get("accept-encoding", ""), asset)
    tag = f'"{asset.tag}-{encoding}"' if encoding else f'"{asset.tag}"'
    headers = {"Cache-Control": asset.cache, "ETag": tag, "Vary": "Accept-Encoding"}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
    content = asset.encoded[encoding] if encoding else asset.plain
    return Response(content, 200, headers, asset.media_type)


def _read(dist: Path, name: str) -> Asset | None:
    if not _is_file(dist, name):
        return None
    path = dist / name
    plain = path.read_bytes()
    forms = ((encoding, path.with_name(path.name + suffix)) for encoding, suffix in ENCODINGS)
    hashed = PurePosixPath(name).parts[0] == HASHED_FOLDER
    return Asset(
        media_type=MEDIA_TYPES[path.suffix],
        plain=plain,
        encoded={encoding: form.read_bytes() for encoding, form in forms if form.is_file()},
        tag=hashlib.sha256(plain).hexdigest()[:20],
        cache=IMMUTABLE if hashed else REVALIDATED,
    )


def _is_file(dist: Path, name: str) -> bool:
    """Whether *name* is a served file of the build: of a known type, not hidden, not outside."""
    parts = PurePosixPath(name).parts
    if "\x00" in name or "\\" in name or any(part.startswith((".", "/")) for part in parts):
        return False
    path = dist / name
    return path.suffix in MEDIA_TYPES and path.is_file()


def _encoding(accepted: str, asset: Asset) -> str | None:
    """The smallest form that the client takes; q=0 refuses, other weights do not matter here."""
    taken = set()
    for part in accepted.lower().split(","):
        name, _, weight = (piece.strip() for piece in part.partition(";"))
        if name and weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name)
    usable = taken & asset.encoded.keys()
    return next((encoding for encoding, _ in ENCODINGS if encoding in usable), None)


def _matches(given: str, tag: str) -> bool:
    known = {part.strip().removeprefix("W/") for part in given.split(",")}
    return tag in known or "*" in known


def build_digest(web: Path) -> str:
    """The digest of all that a build in *web* depends on; `dist/.digest` holds the last one's."""
    total = hashlib.sha256()
    for name, path in sorted(_inputs(web)):
        content = path.read_bytes() if path.is_file() else b""
        total.update(json.dumps([name, hashlib.sha256(content).hexdigest()]).encode())
    return total.hexdigest()


def _inputs(web: Path) -> Iterator[tuple[str, Path]]:
    for name in (*CONFIGURATION, OPENAPI):
        yield name, web / name
    for folder in ("src", "public"):
        for path in (web / folder).rglob("*"):
            name = path.relative_to(web).as_posix()
            if path.is_file() and name != GENERATED and not name.endswith(TESTS):
                yield name, path
