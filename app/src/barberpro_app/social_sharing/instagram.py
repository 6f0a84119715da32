"""Instagram's content publishing API (developers.facebook.com, Instagram Platform, "Content
Publishing"): a container is made of a public JPEG, finished by Instagram, and then published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

import requests

ADDRESS = "https://graph.instagram.com/v23.0"
SECONDS = 10.0
ContainerState = Literal["EXPIRED", "ERROR", "FINISHED", "IN_PROGRESS", "PUBLISHED"]
#: Error codes of the Graph API that pass: unknown, service, too many calls (app, user, page).
_PASSING_CODES = {1, 2, 4, 17, 32, 613}
#: The token is expired, revoked or wrong.
_TOKEN_CODE = 190
#: As many posts as a day allows were published ("Content Publishing", error codes).
_QUOTA_CODE = 9


class InstagramError(Exception):
    """Instagram refused; `passing` says whether a later attempt may do better, `token` that it is the
    token that is not accepted."""

    def __init__(self, message: str, *, passing: bool, token: bool = False) -> None:
        self.passing = passing
        self.token = token
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Profile:
    """Whose token it is."""

    account: str
    username: str


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A renewed token and for how many seconds it is good."""

    token: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Posts of the last 24 hours, and how many are allowed."""

    used: int
    total: int


class QuotaUsedError(InstagramError):
    """The posts of the last 24 hours are used up."""

    def __init__(self) -> None:
        super().__init__("429: the posts of a day are used up", passing=True)


class Instagram:
    """One professional account. Calls block: run them in a thread."""

    def __init__(self, token: str, address: str = ADDRESS) -> None:
        self._token = token
        self._address = address.rstrip("/")

    def profile(self) -> Profile:
        found = self._call("GET", "me", {"fields": "user_id,username"})
        return Profile(self._text(found, "user_id"), str(found.get("username", ""))[:60])

    def renewed(self) -> FreshToken:
        """Instagram takes the token in the address here (reference "Refresh Access Token")."""
        parts = urlsplit(self._address)
        values = {"grant_type": "ig_refresh_token", "access_token": self._token}
        found = self._call(
            "GET", "refresh_access_token", values, f"{parts.scheme}://{parts.netloc}"
        )
        seconds = found.get("expires_in")
        if not isinstance(seconds, int) or not 0 < seconds < 10**9:
            raise InstagramError("no expires_in", passing=True)
        return FreshToken(self._text(found, "access_token"), seconds)

    def permalink(self, media: str) -> str:
        found = str(self._call("GET", media, {"fields": "permalink"}).get("permalink", ""))
        return found if found.startswith("https://") else ""

    def quota(self, account: str) -> Quota:
        fields = {"fields": "quota_usage,config"}
        found = self._call("GET", f"{account}/content_publishing_limit", fields)
        try:
            first = found["data"][0]
            return Quota(int(first["quota_usage"]), int(first["config"]["quota_total"]))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InstagramError("a quota that cannot be read", passing=True) from error

    def create(self, account: str, image_url: str, caption: str, alt_text: str) -> str:
        values = {"image_url": image_url, "caption": caption, "alt_text": alt_text}
        return self._text(self._call("POST", f"{account}/media", values), "id")

    def state(self, container: str) -> ContainerState:
        found = self._call("GET", container, {"fields": "status_code"}).get("status_code")
        state = next((known for known in get_args(ContainerState) if known == found), None)
        if state is None:
            raise InstagramError("a state that is not known", passing=True)
        return cast("ContainerState", state)

    def publish(self, account: str, container: str) -> str:
        values = {"creation_id": container}
        return self._text(self._call("POST", f"{account}/media_publish", values), "id")

    @staticmethod
    def _text(found: Mapping[str, Any], name: str) -> str:
        value = found.get(name)
        if not isinstance(value, (str, int)) or not 0 < len(str(value)) < 2000:
            raise InstagramError(f"no {name}", passing=True)
        return str(value)

    def _call(
        self, method: str, path: str, values: Mapping[str, str], address: str = ""
    ) -> dict[str, Any]:
        """The token goes in a header, so that it is in no log of addresses."""
        try:
            answer = requests.request(
                method, f"{address or self._address}/{path}", timeout=SECONDS,
                allow_redirects=False, headers={"Authorization": f"Bearer {self._token}"},
                params=values if method == "GET" else None,
                data=values if method == "POST" else None,
            )  # fmt: skip
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise InstagramError(type(error).__name__, passing=True) from error
        if answer.status_code == 200 and isinstance(body, dict):
            return body
        fault = body.get("error") if isinstance(body, dict) else None
        fault = fault if isinstance(fault, dict) else {}
        if fault.get("code") == _QUOTA_CODE:
            raise QuotaUsedError
        code, token = fault.get("code"), fault.get("code") == _TOKEN_CODE
        passing = answer.status_code == 429 or answer.status_code >= 500 or code in _PASSING_CODES
        message = " ".join(str(fault.get("message", "")).split())[:200]
        raise InstagramError(f"{answer.status_code}: {message}", passing=passing, token=token)
