"""What calendars ask of us: the feed of a provider, and Google's word that something changed."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from barberpro_app.calendar_sync import feed, repository, service
from barberpro_app.edge import database_of
from barberpro_app.kit.errors import NotFoundError
from barberpro_app.kit.logging import get_logger
from barberpro_app.kit.ratelimit import Limit, RateLimiter, network_of
from barberpro_app.kit.requests import RequestInfo
from barberpro_app.settings import Settings

router = APIRouter(include_in_schema=False)
FEEDS_PER_NETWORK = Limit("calendar-feeds", 120, 600)

log = get_logger(__name__)


@router.api_route("/calendario/{token}.ics", methods=["GET", "HEAD"])
async def subscribed(request: Request, token: str) -> Response:
    """The feed; whoever has its address may read it."""
    limiter: RateLimiter = request.app.state.rate_limiter
    limiter.check(FEEDS_PER_NETWORK, network_of(RequestInfo.of(request.scope).client_ip))
    settings: Settings = request.app.state.settings
    links = feed.FeedLinks(service.sealer_of(settings), settings.app.public_url)
    feed_id = links.feed_id(token)
    if feed_id is None:
        raise NotFoundError
    async with database_of(request).connection() as connection:
        found = await feed.render(connection, settings.app, feed_id)
    headers = {
        "ETag": found.etag,
        "Last-Modified": found.last_modified,
        "Cache-Control": "private, max-age=300",
        "X-Robots-Tag": "noindex",
    }
    given = request.headers
    if found.is_known(given.get("if-none-match", ""), given.get("if-modified-since", "")):
        return Response(status_code=304, headers=headers)
    content = b"" if request.method == "HEAD" else found.content
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(found.content))
    return Response(content, headers=headers, media_type="text/calendar; charset=utf-8")


@router.post("/webhooks/google-calendar")
async def changed(request: Request) -> Response:
    """A notification (guide "Push notifications"): headers name the channel, and the token that we
    gave it proves that it is Google's. What changed is then read, in whatever order notifications
    come, and however often."""
    settings: Settings = request.app.state.settings
    headers = request.headers
    try:
        channel = UUID(headers.get("x-goog-channel-id", ""))
    except ValueError as error:
        raise NotFoundError from error
    token = headers.get("x-goog-channel-token", "")
    if not token.isascii() or not service.sealer_of(settings).is_mac(
        token, "google channel", str(channel)
    ):
        log.warning("forged_notice", integration="google-calendar")
        raise NotFoundError
    if headers.get("x-goog-resource-state") == "sync":  # the channel is open, nothing has changed
        return Response(status_code=200)
    async with database_of(request).connection() as connection:
        if not await repository.channel_rang(connection, channel):
            raise NotFoundError
    return Response(status_code=200)
