"""The ports that the shared services take, and the wait until each of them serves there."""

from __future__ import annotations

import time

from barberpro.errors import BarberProError
from barberpro.targets.local import ports
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.ports import HTTPS_PORT, SMTP_HOST, SMTP_PORT
from barberpro.targets.local.roster import Roster
from barberpro.targets.local.routes import Routes
from barberpro.targets.local.state import PlatformState, Store
from barberpro.targets.local.supervision import Supervisor

START_SECONDS = 30.0


class Doors:
    """Where the shared services listen: chosen once, moved where another program took the place."""

    def __init__(
        self, layout: Layout, store: Store, supervisor: Supervisor, roster: Roster, routes: Routes
    ) -> None:
        self.layout, self.store, self.supervisor = layout, store, supervisor
        self._roster, self._routes = roster, routes

    def choose(self) -> PlatformState:
        """Free ports, remembered."""
        self._choose_https_port()
        return self._choose_smtp_port()

    def _choose_https_port(self) -> PlatformState:
        """It stays once a deployment's URL rests on it."""
        state = self.store.platform()
        state.addresses = ports.loopback_addresses()
        wanted = state.https_port or ports.preferred("BARBERPRO_HTTPS_PORT", HTTPS_PORT)
        if ports.is_free(wanted, state.addresses):
            state.https_port = wanted
        elif state.https_port and self.store.deployments():
            raise BarberProError(
                f"Port {wanted}, which the deployments' addresses end in, is taken by "
                f"{ports.holder(wanted)}.",
                where=f"https://localhost:{wanted}",
                mend="end that program, then run `barberpro start`",
            )
        else:
            state.https_port = ports.next_free(wanted + 1, state.addresses)
        self.store.save_platform(state)
        return state

    def _choose_smtp_port(self) -> PlatformState:
        state = self.store.platform()
        wanted = state.smtp_port or ports.preferred("BARBERPRO_SMTP_PORT", SMTP_PORT)
        taken = frozenset({state.https_port})
        state.smtp_port = ports.next_free(wanted, [SMTP_HOST], taken=taken)
        self.store.save_platform(state)
        return state

    def wait_router(self) -> None:
        """Waits until Caddy serves; if another program took the port meanwhile, says who or moves."""
        deadline = time.monotonic() + START_SECONDS
        while not self._routes.answers():
            state = self.store.platform()
            entry = (self.supervisor.states() or {}).get("router")
            if entry is not None and entry.state == "failed":
                if ports.is_free(state.https_port, state.addresses):
                    self.supervisor.restart(["router"])
                else:  # taken since it was chosen
                    state = self._choose_https_port()
                    self._routes.write(state)
                    others = [name for name in self.supervisor.states() or {} if name != "router"]
                    self.supervisor.write([self._roster.router(state)], keep=others)
                    self.supervisor.apply()
            if time.monotonic() > deadline:
                raise BarberProError(
                    "The router does not start.",
                    where=str(self.layout.logs / "router.log"),
                    mend="see the log, then run `barberpro start`",
                )
            time.sleep(0.01)

    def wait_mailbox(self) -> None:
        """Waits until the mail catcher listens; where its port was taken meanwhile, it moves."""
        deadline = time.monotonic() + START_SECONDS
        while not self._mailbox_listens():
            state = self.store.platform()
            entry = (self.supervisor.states() or {}).get("mailbox")
            if entry is not None and entry.state == "failed":
                if ports.is_free(state.smtp_port, [SMTP_HOST]):
                    self.supervisor.restart(["mailbox"])
                else:  # taken since it was chosen
                    state = self._choose_smtp_port()
                    others = [name for name in self.supervisor.states() or {} if name != "mailbox"]
                    self.supervisor.write([self._roster.mailbox(state)], keep=others)
                    self.supervisor.apply()
            if time.monotonic() > deadline:
                raise BarberProError(
                    f"The mail catcher does not listen on {SMTP_HOST}:{state.smtp_port}.",
                    where=str(self.layout.logs / "mailbox.log"),
                    mend="see the log, then run `barberpro start`",
                )
            time.sleep(0.02)

    def _mailbox_listens(self) -> bool:
        """Itself: that somebody answers on its port says nothing about who does."""
        entry = (self.supervisor.states() or {}).get("mailbox")
        if entry is None or entry.state != "running" or entry.pid is None:
            return False
        return ports.listened_by(entry.pid, self.store.platform().smtp_port)
