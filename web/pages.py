"""The pages of the call: landing page, join page, the exchange of a link, static files.

Nothing here knows a visit: what a page needs from the rest, what a link opens and a token for it,
comes through the `desk` parameter.
"""

from __future__ import annotations

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from clinic_api.http.rate import Rate
from web.exchange import EXCHANGE_RATE, JoinDesk, JoinRoutes
from web.static_files import StaticFile, answer, load_static_files, modules_of

_MANIFEST = {
    "name": "Video visits",
    "short_name": "Video visits",
    "start_url": "/",
    "display": "standalone",
    "background_color": "#f3f6f5",
    "theme_color": "#0c6b62",
    "icons": [{"src": "/static/img/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
}


def add_routes(app: web.Application, desk: JoinDesk, rate: Rate = EXCHANGE_RATE) -> None:
    """Adds every page; `desk` answers for join links."""
    pages = _Pages(load_static_files())
    app.router.add_get("/", pages.landing)
    app.router.add_get("/join", pages.join)
    join = JoinRoutes(desk, rate)
    app.router.add_post("/join/open", join.open)
    app.router.add_post("/join/exchange", join.exchange)
    app.router.add_get("/static/{path:.+}", pages.static)
    app.router.add_get("/favicon.ico", pages.icon)
    app.router.add_get("/manifest.webmanifest", pages.manifest)


class _Pages:
    def __init__(self, static: dict[str, StaticFile]) -> None:
        self._static = static
        templates = Environment(
            loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined
        )
        modules = [f"/static/{path}" for path in modules_of(static, "js/join.js")]
        self._landing = templates.get_template("landing.html").render()
        self._join = templates.get_template("join.html").render(modules=modules)

    async def landing(self, _request: web.Request) -> web.Response:
        return _page(self._landing)

    async def join(self, _request: web.Request) -> web.Response:
        return _page(self._join)

    async def static(self, request: web.Request) -> web.Response:
        file = self._static.get(request.match_info["path"])
        if file is None:
            raise web.HTTPNotFound
        return answer(request, file)

    async def icon(self, request: web.Request) -> web.Response:
        return answer(request, self._static["img/icon.svg"])

    async def manifest(self, _request: web.Request) -> web.Response:
        body = msgspec.json.encode(_MANIFEST)
        return web.Response(body=body, content_type="application/manifest+json")


def _page(html: str) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(text=html, content_type="text/html", charset="utf-8", headers=headers)
