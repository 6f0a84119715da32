"""Instagram's content publishing API (developers.facebook.com, Instagram Platform, "Content
Publishing"): a container is made of a public JPEG, finished by Instagram, and then published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import requests

ADDRESS = "https://graph.instagram.com/v23.0"
SECONDS = 10.0
ContainerState = Literal["EXPIRED", "ERROR", "FINISHED", "IN_PROGRESS", "PUBLISHED"]
#: Error codes of the Graph API that pass: unknown, service, too many calls (app, user, page).
_PASSING_CODES = {1, 2, 4, 17, 32, 613}


class InstagramError(Exception):
    """Instagram refused; `passing` says whether a later attempt may do better."""

    def __init__(self, message: str, *, passing: bool) -> None:
        self.passing = passing
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Quota:
    """Posts of the last 24 hours, and how many are allowed."""

    used: int
    total: int


class Instagram:
    """One professional account. Calls block: run them in a thread."""

    def __init__(self, token: str, address: str = ADDRESS) -> None:
        self._token = token
        self._address = address.rstrip("/")

    def account(self) -> str:
        return str(self._call("GET", "me", {"fields": "user_id"})["user_id"])

    def quota(self, account: str) -> Quota:
        fields = {"fields": "quota_usage,config"}
        answer = self._call("GET", f"{account}/content_publishing_limit", fields)["data"][0]
        return Quota(int(answer["quota_usage"]), int(answer["config"]["quota_total"]))

    def create(self, account: str, image_url: str, caption: str, alt_text: str) -> str:
        values = {"image_url": image_url, "caption": caption, "alt_text": alt_text}
        return str(self._call("POST", f"{account}/media", values)["id"])

    def state(self, container: str) -> ContainerState:
        found: ContainerState = self._call("GET", container, {"fields": "status_code"})[
            "status_code"
        ]
        return found

    def publish(self, account: str, container: str) -> str:
        values = {"creation_id": container}
        return str(self._call("POST", f"{account}/media_publish", values)["id"])

    def _call(self, method: str, path: str, values: Mapping[str, str]) -> dict[str, Any]:
        """The token goes in a header, so that it is in no log of addresses."""
        try:
            answer = requests.request(
                method, f"{self._address}/{path}", timeout=SECONDS, allow_redirects=False,
                headers={"Authorization": f"Bearer {self._token}"},
                params=values if method == "GET" else None,
                data=values if method == "POST" else None,
            )  # fmt: skip
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise InstagramError(type(error).__name__, passing=True) from error
        if answer.status_code == 200 and isinstance(body, dict):
            return body
        fault = body.get("error", {}) if isinstance(body, dict) else {}
        passing = (
            answer.status_code == 429
            or answer.status_code >= 500
            or fault.get("code") in _PASSING_CODES
        )
        raise InstagramError(
            f"{answer.status_code}: {str(fault.get('message', ''))[:200]}", passing=passing
        )
