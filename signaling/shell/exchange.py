"""A request that waits for a room's answer: what a device has instead of a WebSocket."""

from __future__ import annotations

import asyncio

from signaling.core import messages as m
from signaling.core import problems
from signaling.core.closing import Closing
from signaling.shell.replies import Refusal


class Exchange:
    """`answer` ends with what the room tells, or with a Refusal when it closes instead."""

    def __init__(self, identity: str) -> None:
        self.id = identity
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def tell(self, message: m.ServerMessage) -> None:
        """Take the answer to the offer, or the media plane's refusal; anything else is not ours."""
        if isinstance(message, m.Answer):
            self._settle(message.sdp)
        elif isinstance(message, m.Error):
            known = message.code in problems.PROBLEMS
            code = message.code if known else "media_unavailable"
            self._settle(Refusal(code, message.message))

    def close(self, closing: Closing) -> None:
        """The room lets nobody in, or ends."""
        self._settle(Refusal(problems.of_closing(closing)))

    async def answer(self, timeout_s: float) -> str:
        """The SDP answer. Raises Refusal."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answer
        except TimeoutError:
            raise Refusal("media_unavailable") from None

    def _settle(self, outcome: str | Refusal) -> None:
        if self._answer.done():
            return
        if isinstance(outcome, Refusal):
            self._answer.set_exception(outcome)
        else:
            self._answer.set_result(outcome)
