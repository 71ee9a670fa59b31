"""What the server says about itself to operators and their tools.

`/healthz` says that the front lives, `/readyz` that calls are possible and that the jobs do what
goes with them, mail above all (503 names what is missing: database, media, jobs, mail),
`/metrics` counts in Prometheus's text format. Metrics are for this machine and for those who have
the token in `keys/metrics.token`; a stranger gets 403.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from telemed_media.listener import Client

Check = Callable[[], Awaitable[bool]]


class Health:
    """The three routes."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        render_metrics: Callable[[], Awaitable[bytes]],
        metrics_token: str,
    ) -> None:
        """`checks` names what has to work before calls are possible."""
        self._checks = checks
        self._render_metrics = render_metrics
        self._authorization = f"Bearer {metrics_token}"

    def add_routes(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/healthz", self._alive)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._metrics)

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _ready(self, _request: web.Request) -> web.Response:
        missing = [name for name, check in self._checks.items() if not await check()]
        return web.json_response(
            {"ready": not missing, "missing": missing}, status=503 if missing else 200
        )

    async def _metrics(self, request: web.Request) -> web.Response:
        client: Client = request["client"]
        given = request.headers.get("Authorization", "")
        told = given.encode("utf-8", "surrogateescape")  # a header may hold any bytes
        if not client.local and not hmac.compare_digest(told, self._authorization.encode()):
            raise web.HTTPForbidden(text="Metrics need the token of keys/metrics.token.\n")
        return web.Response(
            body=await self._render_metrics(),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )
