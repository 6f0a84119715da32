"""The app as processes: how it is started, asked for its health, and run for one command."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from barberpro.targets.local.files import link_to
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.programs import Program
from barberpro.targets.local.router import sockets_of
from barberpro.targets.local.state import Deployment, Revision
from barberpro.targets.local.unix_http import Answer, request
from barberpro.targets.protocol import PassingFaultError

COMMAND_SECONDS = 300
POLL_SECONDS = 0.02


def interpreter(layout: Layout, python: str) -> str:
    """``python`` by a plain path: through a link to its environment below the run folder."""
    path = Path(python)
    root = path.parent.parent
    link = layout.run / f"env-{hashlib.sha256(os.fsencode(root)).hexdigest()[:8]}"
    link_to(link, root)
    return str(link / path.relative_to(root))


def revision_folder(layout: Layout, deployment: str, number: int) -> Path:
    return layout.deployment(deployment) / "revisions" / str(number)


def environment(layout: Layout, record: Deployment, number: int) -> dict[str, str]:
    """What the contract gives the app, and what Python needs."""
    revision = record.revisions[number]
    folder = layout.in_run(revision_folder(layout, record.id, number))
    return {
        "BARBERPRO_APP_CONFIG": str(folder / "app.json"),
        "BARBERPRO_SECRETS_DIR": str(layout.in_run(layout.deployment(record.id)) / "secrets"),
        "BARBERPRO_MEDIA_DIR": str(layout.in_run(layout.deployment(record.id)) / "media"),
        "BARBERPRO_REVISION": str(number),
        "BARBERPRO_LOG_LEVEL": "info",
        "PYTHONPATH": str(layout.in_run(layout.home / "releases" / revision.release)),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        # glibc keeps less memory: per thread, and of what one large answer needed
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": "131072",
        "MALLOC_MMAP_THRESHOLD_": "131072",
    }


def programs(layout: Layout, record: Deployment, number: int) -> list[Program]:
    """One process that does everything, or several web processes with a worker of their own."""
    revision = record.revisions[number]
    python = interpreter(layout, revision.python)
    settings = environment(layout, record, number)
    base = [python, "-m", "barberpro_app"]
    sockets = sockets_of(layout, record.id, number, revision.web_processes)
    single = revision.web_processes == 1
    made = []
    for index, path in enumerate(sockets, start=1):
        name = f"{record.id}-r{number}" if single else f"{record.id}-r{number}-web-{index}"
        command = [*base, "serve", *(["--with-worker"] if single else []), "--uds", str(path)]
        made.append(_program(layout, record.id, name, command, settings))
    if not single:
        worker = f"{record.id}-r{number}-worker"
        made.append(_program(layout, record.id, worker, [*base, "worker"], settings))
    return made


def _program(
    layout: Layout, deployment: str, name: str, command: list[str], settings: Mapping[str, str]
) -> Program:
    log = layout.in_run(layout.deployment(deployment)) / "logs" / f"{name}.log"
    return Program(name=name, command=command, log=log, environment=settings)


def ask(layout: Layout, record: Deployment, number: int, path: str) -> list[Answer | None]:
    """What each web process answers to ``GET path``; None where it does not."""
    answers: list[Answer | None] = []
    for socket in sockets_of(layout, record.id, number, record.revisions[number].web_processes):
        try:
            answers.append(
                request(socket, "GET", path, headers={"Host": record.local_hostname}, timeout=5.0)
            )
        except (OSError, http.client.HTTPException):
            answers.append(None)
    return answers


def wait_for(
    layout: Layout, record: Deployment, number: int, path: str, *, seconds: float
) -> Mapping[str, object]:
    """Waits until every web process answers 200 to ``path``; returns the last one's JSON.

    Raises ``PassingFaultError`` with what was answered, or with the end of the log.
    """
    deadline = time.monotonic() + seconds
    while True:
        answers = ask(layout, record, number, path)
        if all(answer is not None and answer.status == 200 for answer in answers):
            last = answers[-1]
            return _object(last.body) if last is not None else {}
        if time.monotonic() > deadline:
            said = [
                f"{answer.status} {answer.body[:300].decode(errors='replace')}"
                for answer in answers
                if answer is not None and answer.status != 200
            ]
            why = said[0] if said else log_tail(layout, record.id, number)
            raise PassingFaultError(
                f"{record.id} revision {number} does not answer 200 on {path}: {why}",
                where=str(layout.deployment(record.id) / "logs"),
            )
        time.sleep(POLL_SECONDS)


def log_tail(layout: Layout, deployment: str, number: int, *, lines: int = 5) -> str:
    """The last lines that a revision's processes wrote."""
    found: list[str] = []
    folder = layout.deployment(deployment) / "logs"
    for path in sorted(folder.glob(f"{deployment}-r{number}*.log")):
        found += path.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(found) or "it wrote nothing into its log"


def command_environment(layout: Layout, record: Deployment, number: int) -> dict[str, str]:
    """What a command of the app runs with: the contract's, and little of the operator's own."""
    own = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    return {**own, "PATH": os.defpath, **environment(layout, record, number)}


def _object(body: bytes) -> Mapping[str, object]:
    """A JSON object; another JSON value or text stands under ``value``."""
    text = body.decode(errors="replace").strip()
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {"value": text}
    return value if isinstance(value, dict) else {"value": value}


def applied_hash(layout: Layout, deployment: str, number: int) -> str:
    """Identifies the configuration on disk, to see whether the processes started with it."""
    path = revision_folder(layout, deployment, number) / "app.json"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def is_missing(revision: Revision) -> bool:
    """Whether the environment that the revision was started with is gone."""
    return not os.access(revision.python, os.X_OK)
