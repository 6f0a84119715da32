"""The router's configuration, written from the records and handed to it."""

from __future__ import annotations

import http.client
import json

from barberpro.errors import BarberProError
from barberpro.targets.local import router
from barberpro.targets.local.files import link_to, private_folder, write_atomic
from barberpro.targets.local.layout import Layout
from barberpro.targets.local.state import Deployment, PlatformState, Store
from barberpro.targets.local.unix_http import request


class Routes:
    def __init__(self, layout: Layout, store: Store) -> None:
        self.layout, self.store = layout, store

    def answers(self) -> bool:
        """Whether Caddy serves."""
        try:
            answer = request(self.layout.socket("router"), "GET", "/config/apps/http/grace_period")
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 200

    def hand_over(self) -> None:
        """Hands Caddy its whole configuration; it takes it at once or keeps the old one."""
        text = self.write(self.store.platform())
        answer = request(
            self.layout.socket("router"), "POST", "/load", body=text.encode(),
            headers={"Content-Type": "application/json"}, timeout=30.0,
        )  # fmt: skip
        if answer.status != 200:
            raise BarberProError(
                f"The router refused its configuration: {answer.body.decode(errors='replace')}",
                where=str(self.layout.home / "router" / "caddy.json"),
                mend="see logs/router.log, then run `barberpro start`",
            )

    def write(self, state: PlatformState) -> str:
        private_folder(self.layout.home / "router")
        for record in self.store.deployments():
            self._turn_links(record)
        text = json.dumps(
            router.configuration(self.layout, state, self.store.deployments()), indent=1
        )
        write_atomic(self.layout.home / "router" / "caddy.json", text)
        return text

    def _turn_links(self, record: Deployment) -> None:
        """Points the links at the sockets of the live revision and of the one on its way: one rename
        each, so no request falls between."""
        for which, number in ((router.LIVE, record.live), (router.PREVIEW, record.preview)):
            if number is None or number not in record.revisions:
                continue
            count = record.revisions[number].web_processes
            links = router.link_sockets(self.layout, record.id, which, count)
            sockets = router.sockets_of(self.layout, record.id, number, count)
            for link, path in zip(links, sockets, strict=True):
                link_to(link, path)
