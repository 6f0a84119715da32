"""The templates of a double of Meta's business account: made, edited, looked at, told of.

Sources: as in `meta_whatsapp.py`; "Templates" and "message_template_status_update" of the same
documentation. It refuses what Meta refuses: a name that is taken, a text that begins or ends with a
variable, examples that are too few, more edits than one a day of an approved one.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

ACCOUNT_ID = "102290129340398"
Answer = tuple[int, Any, dict[str, str]]
_PLACES = re.compile(r"\{\{\d\}\}")


def refusal(code: int, message: str, status: int = 400, subcode: int = 0) -> Answer:
    error = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode,
             "error_user_msg": message, "fbtrace_id": "AbCdEf"}  # fmt: skip
    return status, {"error": error}, {}


@dataclass
class Templates:
    """`items`: name and language -> what there is; `next_faults`: answers that come instead."""

    number_id: str
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    next_faults: deque[Answer] = field(default_factory=deque)
    calls: list[tuple[str, str]] = field(default_factory=list)
    page_size: int = 10
    #: after this many more are made, the answer is lost though it was done
    lose_answer: bool = False

    def answer(self, method: str, path: list[str], query: dict[str, str], raw: bytes) -> Answer:
        self.calls.append((method, "/".join(path)))
        if self.next_faults:
            return self.next_faults.popleft()
        if path == [ACCOUNT_ID, "phone_numbers"]:
            return 200, {"data": [{"id": self.number_id}, {"id": "1234567890"}]}, {}
        if path == [ACCOUNT_ID, "message_templates"]:
            return self._make(json.loads(raw)) if method == "POST" else self._list(query)
        found = next((item for item in self.items.values() if [item["id"]] == path), None)
        if method == "POST" and found is not None:
            return self._edit(found, json.loads(raw))
        return refusal(100, "Unsupported request. Object does not exist, or missing permissions")

    def _make(self, body: dict[str, Any]) -> Answer:
        key = (body.get("name", ""), body.get("language", ""))
        if not re.fullmatch(r"[a-z0-9_]{1,512}", key[0]) or body.get("category") != "UTILITY":
            return refusal(100, "Invalid parameter")
        if key in self.items:
            return refusal(100, "Content in This Language Already Exists", subcode=2388024)
        wrong = _wrong(body.get("components"))
        if wrong:
            return refusal(100, wrong)
        self.items[key] = {**body, "id": str(594425479261596 + len(self.items)),
                           "status": "PENDING", "rejected_reason": "NONE"}  # fmt: skip
        if self.lose_answer:
            self.lose_answer = False
            return 502, "<html>Bad gateway</html>", {}
        return 200, {"id": self.items[key]["id"], "status": "PENDING", "category": "UTILITY"}, {}

    def _edit(self, item: dict[str, Any], body: dict[str, Any]) -> Answer:
        if item["status"] not in {"APPROVED", "REJECTED", "PAUSED"}:
            return refusal(100, "Message Template Cannot Be Edited", subcode=2593079)
        wrong = _wrong(body.get("components"))
        if wrong:
            return refusal(100, wrong)
        item |= {"components": body["components"], "status": "PENDING", "rejected_reason": "NONE"}
        return 200, {"success": True}, {}

    def _list(self, query: dict[str, str]) -> Answer:
        rows = list(self.items.values())
        start = int(query.get("after") or 0)
        end = start + min(self.page_size, int(query.get("limit", 25)))
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(rows):
            paging["next"] = "http://169.254.169.254/never-followed"
        return 200, {"data": rows[start:end], "paging": paging}, {}

    def judge(self, status: str, reason: str = "NONE", only: str = "") -> None:
        """Meta looked at those in review."""
        for (name, _), item in self.items.items():
            if item["status"] == "PENDING" and only in name:
                item |= {"status": status, "rejected_reason": reason}


def _wrong(components: Any) -> str:
    body = next((part for part in components or [] if part.get("type") == "BODY"), None)
    if body is None:
        return "Components sub_type field is required"
    text = body.get("text", "")
    if _PLACES.match(text) or re.search(r"\{\{\d\}\}\s*$", text):
        return "Variables can't be at the start or end of the template"
    examples = (body.get("example") or {}).get("body_text") or [[]]
    if len(examples[0]) != len(set(_PLACES.findall(text))):
        return "Message template components param is missing expected field(s): example"
    return ""


def template_notification(name: str, language: str, event: str, account: str = ACCOUNT_ID) -> bytes:
    value = {"event": event, "message_template_id": 594425479261596,
             "message_template_name": name, "message_template_language": language,
             "reason": "NONE"}  # fmt: skip
    change = {"field": "message_template_status_update", "value": value}
    entry = {"id": account, "time": int(time.time()), "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
