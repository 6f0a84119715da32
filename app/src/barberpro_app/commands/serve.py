"""`serve`: the web process. Starts before the database is there; ends in order on SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
from pathlib import Path
from typing import cast

import uvicorn
from fastapi import FastAPI

from barberpro_app.application import create_application
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.kit.logging import configure_logging, get_logger
from barberpro_app.kit.share import PLACE, WHOLE, Share
from barberpro_app.settings import Settings, load_settings

#: Requests in flight get this long; the whole shutdown stays under the contract's 10 s.
DRAIN_SECONDS = 6
#: Time for connections that the kernel has accepted already, before the listener closes.
LINGER_SECONDS = 0.25
#: Longer than a router keeps idle connections to us (Caddy: 2 minutes), so the router closes first
#: and no request is sent into a connection that is just being closed.
KEEP_ALIVE_SECONDS = 150
BACKLOG = 2048


def run(arguments: argparse.Namespace) -> int:
    settings = load_settings()
    configure_logging(settings.log_level)
    log = get_logger(__name__)
    app = create_application(
        settings, with_worker=arguments.with_worker, share=_share(arguments, settings)
    )
    listener = _unix_listener(arguments) if arguments.uds else _tcp_listener(arguments)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        # only the router can open the socket, so whoever connects there is the router
        forwarded_allow_ips="*" if arguments.uds else arguments.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        backlog=BACKLOG,
    )
    # uvicorn raises the signal again when it is done; the drained end is a success
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    server = DrainingServer(config, Path(arguments.uds) if arguments.uds else None, listener)
    log.info(
        "starting",
        deployment=settings.app.deployment_id,
        revision=settings.revision,
        listening=arguments.uds or _address(listener),
        with_worker=arguments.with_worker,
        pid=os.getpid(),
    )
    gc.collect()
    gc.freeze()  # what is there now stays: full collections need not walk it again
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        log.info("interrupted")
    log.info("stopped", served=server.server_state.total_requests)
    return 0 if server.started else 1


def _share(arguments: argparse.Namespace, settings: Settings) -> Share:
    if arguments.services is None:
        return WHOLE
    named = frozenset(name for name in arguments.services.split(",") if name)
    unknown = sorted(named - set(settings.app.services))
    if unknown or not named:
        raise ConfigurationError(
            f"not among the services of this deployment: {', '.join(unknown) or '(none named)'}\n"
            "  where: --services\n  mend: name services that app.json enables"
        )
    if arguments.peers and (
        PLACE not in arguments.peers or not arguments.peers.startswith(("http://", "https://"))
    ):
        raise ConfigurationError(
            f"no URL with {PLACE} in it: {arguments.peers}\n  where: --peers\n"
            f"  mend: for example http://{PLACE}:8080"
        )
    return Share(named, arguments.peers)


class DrainingServer(uvicorn.Server):
    """Takes the last connections from the queue before it closes the listener."""

    def __init__(self, config: uvicorn.Config, path: Path | None, listener: socket.socket) -> None:
        super().__init__(config)
        self._path = path
        self._inode = path.stat().st_ino if path else None
        self._listener = listener

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """New connections go to our successor (or are refused); answers say `close`."""
        self._remove_own_socket()
        cast("FastAPI", self.config.app).state.live.stop()  # answers without end have one now
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(LINGER_SECONDS)
        await super().shutdown(sockets)

    def _remove_own_socket(self) -> None:
        """The path may belong to a successor already; then it stays."""
        if self._path is None:
            return
        try:
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()
        except FileNotFoundError:
            self._inode = None


def _unix_listener(arguments: argparse.Namespace) -> socket.socket:
    """Binds beside the path and renames over it: a predecessor is replaced without a gap."""
    path = Path(arguments.uds)
    beside = path.with_name(f".{os.getpid()}.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o777 & ~arguments.socket_mode)
    try:
        listener.bind(str(beside))
        listener.listen(BACKLOG)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(
            f"cannot listen on the socket: {error.strerror or error}\n  where: {path}\n"
            "  mend: a folder that exists, may be written, and a path of at most 100 bytes"
        ) from error
    finally:
        os.umask(previous)
    return listener


def _tcp_listener(arguments: argparse.Namespace) -> socket.socket:
    family = socket.AF_INET6 if ":" in arguments.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((arguments.host, arguments.port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen: {error.strerror or error}\n"
            f"  where: {arguments.host}:{arguments.port}\n"
            "  mend: free the port, or choose another"
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{host}:{port}"
