"""Ending background tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_SECONDS = 0.5


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks until they have ended; what they raise is not of interest any more.

    Once is not enough: a cancellation that arrives inside a query makes the driver cancel the query
    on the server, and may come out as the query's error, which the task then takes for a failure
    and goes on.
    """
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
