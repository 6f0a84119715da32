"""Logs: one JSON object per line on stderr, without personal data.

Callers write `get_logger(__name__).info("message_sent", message_id=..., state=...)`: a fixed event
name and fields that are keys, numbers or states. Addresses, names, tokens and link texts never go in;
`redact` is a second line of defence for texts that come from elsewhere (server errors, exceptions).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

_USER_IN_URL = re.compile(r"(?<=://)[^\s/@]*@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+")
_SECRET = re.compile(r"(?i)(token|secret|password|code)=[^\s&\"']+")
_ADDRESS = re.compile(r"[^\s<>\":@]+@[^\s<>\"/@]+")
_LONGEST = 4000


def redact(text: str) -> str:
    """The text without e-mail addresses, bearer tokens, secrets in queries, users in URLs."""
    text = _USER_IN_URL.sub("", text)
    text = _BEARER.sub(r"\1 ***", text)
    text = _SECRET.sub(r"\1=***", text)
    return _ADDRESS.sub("***@***", text)


def _redact_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        # without one of these signs no pattern can match; most lines have none
        if isinstance(value, str) and ("@" in value or "=" in value or " " in value):
            event[key] = redact(value[:_LONGEST])
    return event


def _dumps(event: Any, **_: Any) -> str:
    return json.dumps(event, default=str, separators=(",", ":"))


def _format_exception(_logger: object, _method: str, event: EventDict) -> EventDict:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[1] is not None:
        event["error"] = f"{type(info[1]).__name__}: {info[1]}"
        event["trace"] = _trace(info[2])
    return event


def _trace(traceback: TracebackType | None) -> list[str]:
    """Where, innermost last: file:line function; no values, which may be personal."""
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-12:]


class _ForwardToStructlog(logging.Handler):
    """Libraries log through the standard library; their lines take the same form."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"source": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        self._logger.log(record.levelno, record.getMessage(), **fields)


def configure_logging(level: str = "info", stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging; call once, at the edge.

    Unknown levels count as `info`. Library chatter below `warning` is kept out.
    """
    number = LEVELS.get(level, logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _format_exception,
            _redact_event,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
    root.addHandler(_ForwardToStructlog(structlog.get_logger()))
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.WARNING)


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry the module's name."""
    logger: FilteringBoundLogger = structlog.get_logger(source=name)
    return logger
