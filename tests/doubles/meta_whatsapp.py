"""A double of Meta's WhatsApp Cloud API on the loopback interface, from its public documentation.

Sources (developers.facebook.com, WhatsApp Business Platform, Cloud API): "Messages" (reference:
`POST /{version}/{phone-number-id}/messages`), "Template messages", "Error codes", "Throughput",
"Webhooks: messages and statuses"; Graph API, "Validating payloads".

It checks what it is sent (token, fields, template names and numbers of parameters, the 24 hours,
quota) and answers as the documentation says. `misbehave` gives the next faults, `fault_rate` a share
of calls that go wrong. Every accepted message is in `accepted`; reports of it are sent to `webhook`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from meta_templates import Templates

from barberpro_app.integration_processor.templates import load_templates, places
from barberpro_app.whatsapp_webhook.signature import sign

TOKEN = "EAAG-double-token"
APP_SECRET = "double-app-secret"
VERIFY_TOKEN = "double-verify-token"
NUMBER_ID = "106540352242922"
Answer = tuple[int, Any, dict[str, str]]
#: What may go wrong with a call; after "lost", "hang" and "reset_after" the message was accepted.
FAULTS = ("500", "passing", "429", "garbage", "reset", "lost", "hang", "reset_after")


def error(code: int, message: str, status: int = 400, **headers: str) -> Answer:
    body = {"error": {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code,
                      "error_data": {"messaging_product": "whatsapp", "details": message},
                      "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"}}  # fmt: skip
    return status, body, headers


@dataclass
class Meta:
    """The account: what was accepted, whom it may write to freely, and what goes wrong."""

    accepted: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    faults: deque[str] = field(default_factory=deque)
    fault_rate: float = 0.0
    rate_faults: tuple[str, ...] = FAULTS
    retry_after: int = 1
    hang_seconds: float = 3.0
    quota: int | None = None
    unreachable: set[str] = field(default_factory=set)
    windows: set[str] = field(default_factory=set)
    webhook: Callable[[bytes, str], int] | None = None
    shuffle: bool = False
    duplicates: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    lock: threading.RLock = field(default_factory=threading.RLock)
    reports: queue.Queue[list[bytes] | None] = field(default_factory=queue.Queue)
    templates: Templates = field(default_factory=lambda: Templates(NUMBER_ID))

    def business(self, method: str, target: str, authorization: str, raw: bytes) -> Answer | None:
        """What is not about the number: the business account and its templates."""
        address = urlsplit(target)
        parts = address.path.strip("/").split("/")
        if parts[1:2] == [NUMBER_ID] or not parts[0].startswith("v"):
            return None
        if authorization != f"Bearer {TOKEN}":
            return error(190, "Invalid OAuth access token", 401)
        with self.lock:
            return self.templates.answer(method, parts[1:], dict(parse_qsl(address.query)), raw)

    def misbehave(self, *faults: str) -> None:
        self.faults.extend(faults)

    def fault(self) -> str:
        with self.lock:
            if self.faults:
                return self.faults.popleft()
            if self.chance.random() < self.fault_rate:
                return self.chance.choice(self.rate_faults)
        return ""

    def answer(self, path: str, authorization: str, raw: bytes) -> Answer:
        """Checks one call; accepts the message if all is right."""
        if authorization != f"Bearer {TOKEN}":
            return error(190, "Invalid OAuth access token", 401)
        parts = path.strip("/").split("/")
        if len(parts) != 3 or not parts[0].startswith("v") or parts[1:] != [NUMBER_ID, "messages"]:
            return error(100, "Unsupported post request", 404)
        try:
            body = json.loads(raw)
        except ValueError:
            return error(100, "Invalid parameter: the body is no JSON")
        problem = self._problem(body)
        if problem is not None:
            return problem
        with self.lock:
            if self.quota is not None and len(self.accepted) >= self.quota:
                return error(80007, "Rate limit hit", 429, **{"Retry-After": str(self.retry_after)})
            wamid = f"wamid.{uuid.uuid4().hex}"
            self.accepted.append({**body, "wamid": wamid})
        self._report(body, wamid)
        return 200, {"messaging_product": "whatsapp",
                     "contacts": [{"input": body["to"], "wa_id": body["to"]}],
                     "messages": [{"id": wamid, "message_status": "accepted"}]}, {}  # fmt: skip

    def number(self, path: str, query: dict[str, str], authorization: str) -> Answer:
        """The number itself: "Phone numbers"; `appsecret_proof` as in "Secure Graph API calls"."""
        if authorization != f"Bearer {TOKEN}":
            return error(190, "Invalid OAuth access token", 401)
        proof = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
        if "appsecret_proof" in query and query["appsecret_proof"] != proof:
            return error(100, "Invalid appsecret_proof provided in the API argument")
        parts = path.strip("/").split("/")
        if len(parts) != 2 or not parts[0].startswith("v") or parts[1] != NUMBER_ID:
            return error(100, "Unsupported get request. Object does not exist")
        return 200, {"id": NUMBER_ID, "display_phone_number": "+1 555-078-3881"}, {}

    def _problem(self, body: Any) -> Answer | None:
        if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
            return error(100, "messaging_product is required")
        to = body.get("to")
        if not isinstance(to, str) or not to.isdigit() or not 8 <= len(to) <= 15:
            return error(131009, "Parameter value is not valid: to")
        if len(str(body.get("biz_opaque_callback_data", ""))) > 512:
            return error(131009, "Parameter value is not valid: biz_opaque_callback_data")
        if to in self.unreachable:
            return error(131026, "Message undeliverable")
        if body.get("type") == "text":
            text = body.get("text", {}).get("body", "")
            if not 1 <= len(text) <= 4096:
                return error(131009, "Parameter value is not valid: text")
            return None if to in self.windows else error(131047, "Re-engagement message")
        if body.get("type") == "template":
            return template_problem(body.get("template"))
        return error(131051, "Unsupported message type")

    def _report(self, body: dict[str, Any], wamid: str, states: tuple[str, ...] = ()) -> None:
        """sent, delivered, read: in order, unless it is told otherwise; sometimes twice."""
        found = [
            status_notification(body["to"], wamid, state, body.get("biz_opaque_callback_data", ""))
            for state in states or ("sent", "delivered", "read")
        ]
        if self.shuffle:
            self.chance.shuffle(found)
        if self.duplicates:
            found += found[:2]
        self.reports.put(found)

    def post_reports(self) -> None:
        """Runs in a thread of the double: what is not answered with 200 is sent again."""
        while (bodies := self.reports.get()) is not None:
            for body in bodies:
                for _ in range(50):
                    if self.webhook is None or self.webhook(body, sign(body, APP_SECRET)) == 200:
                        break
                    time.sleep(0.05)
            self.reports.task_done()


def template_problem(template: Any) -> Answer | None:
    if not isinstance(template, dict):
        return error(131008, "Required parameter is missing: template")
    known = load_templates().get(template.get("name", ""))
    language = template.get("language", {}).get("code")
    if known is None or language not in known:
        return error(132001, "Template name does not exist in the translation", 404)
    components = template.get("components", [])
    body = next((part for part in components if part.get("type") == "body"), {})
    texts = [part.get("text") for part in body.get("parameters", [])]
    if len(texts) != places(known[language]):
        return error(132000, "Number of parameters does not match the expected number of params")
    for text in texts:
        if not text or any(sign in text for sign in ("\n", "\t", "    ")):
            return error(132018, "Param text cannot have new-line/tab characters or 4 spaces")
    buttons = [part for part in components if part.get("type") == "button"]
    if [part.get("index") for part in buttons] != [str(i) for i in range(len(known["buttons"]))]:
        return error(132000, "Number of button parameters does not match")
    for part in buttons:
        payload = part.get("parameters", [{}])[0].get("payload", "")
        if part.get("sub_type") != "quick_reply" or not 1 <= len(payload) <= 128:
            return error(131009, "Parameter value is not valid: button")
    return None


def _notification(value: dict[str, Any]) -> bytes:
    """As Meta writes it: every letter beyond ASCII escaped."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER_ID},
        **value,
    }
    body = {"object": "whatsapp_business_account",
            "entry": [{"id": "102290129340398",
                       "changes": [{"field": "messages", "value": value}]}]}  # fmt: skip
    return json.dumps(body, ensure_ascii=True).encode()


def status_notification(
    to: str, wamid: str, state: str, opaque: str = "", code: int | None = None,
    category: str = "utility",
) -> bytes:  # fmt: skip
    status: dict[str, Any] = {
        "id": wamid, "status": state, "timestamp": str(int(time.time())), "recipient_id": to,
        "biz_opaque_callback_data": opaque,
        "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular",
                    "category": category},
    }  # fmt: skip
    if code is not None:
        status["errors"] = [{"code": code, "title": "Message undeliverable"}]
    return _notification({"statuses": [status]})


def message_notification(sender: str, text: str = "", wamid: str = "", **parts: Any) -> bytes:
    """`button="confirm:..."` presses a quick reply."""
    message: dict[str, Any] = {
        "from": sender, "id": wamid or f"wamid.{uuid.uuid4().hex}",
        "timestamp": str(int(time.time())), "type": "text",
    }  # fmt: skip
    if "button" in parts:
        message |= {"type": "button", "button": {"payload": parts["button"], "text": "…"}}
    else:
        message["text"] = {"body": text}
    contact = {"profile": {"name": "Clara"}, "wa_id": sender}
    return _notification({"contacts": [contact], "messages": [message]})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, meta: Meta) -> None:
        self.meta = meta
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A worker that was killed in mid-call is part of the test."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        meta = self.server.meta
        with meta.lock:
            meta.calls += 1
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = meta.fault()
        if fault in {"lost", "hang", "reset_after"}:
            meta.answer(self.path, self.headers.get("authorization", ""), raw)
        made: Answer = {
            "500": error(2, "Service temporarily unavailable", 503),
            "passing": error(131000, "Something went wrong", 500),
            "429": error(130429, "Rate limit hit", 429, **{"Retry-After": str(meta.retry_after)}),
            "garbage": (502, "<html>Bad gateway</html>", {}),
            "lost": (502, "<html>Bad gateway</html>", {}),
        }.get(fault, (0, None, {}))
        if fault == "hang":
            time.sleep(meta.hang_seconds)
        if fault in {"hang", "reset", "reset_after"}:
            self.close_connection = True
            self.connection.close()
            return
        found = (
            meta.business("POST", self.path, self.headers.get("authorization", ""), raw)
            if not made[0]
            else None
        )
        if found is not None:
            made = found
        elif not made[0]:
            made = meta.answer(self.path, self.headers.get("authorization", ""), raw)
        self._say(made)

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        authorization = self.headers.get("authorization", "")
        query = dict(parse_qsl(address.query))
        found = self.server.meta.business("GET", self.path, authorization, b"")
        if found is not None:
            self._say(found)
            return
        self._say(self.server.meta.number(address.path, query, authorization))

    def _say(self, made: Answer) -> None:
        status, body, headers = made
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: tests look at `accepted`."""


@dataclass
class RunningMeta:
    account: Meta
    url: str


@contextmanager
def meta_whatsapp() -> Iterator[RunningMeta]:
    """A running double; `url` is for app.json's `whatsapp.api`."""
    meta = Meta()
    server = _Server(meta)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    posting = threading.Thread(target=meta.post_reports, daemon=True)
    serving.start()
    posting.start()
    try:
        yield RunningMeta(meta, f"http://127.0.0.1:{server.server_port}")
    finally:
        meta.webhook = None
        meta.reports.put(None)
        posting.join(60)
        server.shutdown()
        server.server_close()
        serving.join(60)
