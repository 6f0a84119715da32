"""One cluster through ``kubectl``: it signs in as the operator does, whatever the provider's way
(docs/decisions/kubectl-as-client.md). Answers are JSON; refusals are typed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import JsonValue

from barberpro.errors import BarberProError
from barberpro.kube.contexts import Context
from barberpro.kube.programs import SECONDS, Finished, run

MANAGER = "barberpro"  # our name in the managed fields of server-side apply
REQUEST_SECONDS = 20
PAGE = 500  # objects of a list asked for at once
REASON = re.compile(r"\(([A-Z][A-Za-z]+)\)")  # "Error from server (NotFound): ..."


class UnreachableError(BarberProError):
    """The cluster does not answer."""


class UnauthorizedError(BarberProError):
    """The cluster does not accept these credentials."""


class ForbiddenError(BarberProError):
    """The cluster knows the caller, who may not do this."""


class NotFoundError(BarberProError):
    """The cluster has no such object, or no such kind of object."""


class ConflictError(BarberProError):
    """The object exists already, was changed meanwhile, or a field of it belongs to somebody else."""


class RejectedError(BarberProError):
    """The cluster refused the request."""


REASONS: dict[str, type[BarberProError]] = {
    "Unauthorized": UnauthorizedError,
    "Forbidden": ForbiddenError,
    "NotFound": NotFoundError,
    "AlreadyExists": ConflictError,
    "Conflict": ConflictError,
    "Invalid": RejectedError,
    "BadRequest": RejectedError,
    "InternalError": RejectedError,
    "ServiceUnavailable": UnreachableError,
    "Timeout": UnreachableError,
    "TooManyRequests": UnreachableError,
}


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Every call names its context: never the current one of the moment."""

    context: Context

    def words(self, *words: str) -> list[str]:
        """The command as a person would type it."""
        named = [f"--context={self.context.name}"] if self.context.name else []
        return ["kubectl", *named, f"--request-timeout={REQUEST_SECONDS}s", *words]

    def call(self, *words: str, stdin: str = "", seconds: float = SECONDS) -> str:
        """What it wrote.

        Raises:
            UnreachableError, UnauthorizedError, ForbiddenError, NotFoundError, ConflictError,
            RejectedError: as the cluster said.
        """
        finished = run(self.words(*words), stdin=stdin, seconds=seconds)
        if finished.code != 0:
            raise self._error(words, finished)
        return finished.output

    def raw(self, path: str) -> dict[str, JsonValue]:
        """One GET of the API, such as ``/version``; raises as :meth:`call`."""
        found = json.loads(self.call("get", "--raw", path))
        assert isinstance(found, dict)
        return found

    def each(self, path: str, selector: str = "") -> Iterator[dict[str, JsonValue]]:
        """The objects of a list, by pages: at most ``PAGE`` are in memory; raises as :meth:`call`."""
        asked = f"{path}?limit={PAGE}" + (f"&labelSelector={quote(selector)}" if selector else "")
        following = ""
        while True:
            answer = self.raw(asked + (f"&continue={quote(following)}" if following else ""))
            found, about = answer.get("items") or [], answer.get("metadata") or {}
            assert isinstance(found, list)
            assert isinstance(about, dict)
            yield from (item for item in found if isinstance(item, dict))
            following = str(about.get("continue") or "")
            if not following:
                return

    def items(self, path: str) -> list[dict[str, JsonValue]]:
        """The objects of a list; raises as :meth:`call`."""
        return [*self.each(path)]

    def create(self, objects: Iterable[JsonValue]) -> list[dict[str, JsonValue]]:
        """Create these objects in one call, and what the API made of them; raises as :meth:`call`."""
        listed = {"apiVersion": "v1", "kind": "List", "items": [*objects]}
        # one document after the other, without a list around them
        left = self.call("create", "-f", "-", "-o", "json", stdin=json.dumps(listed)).strip()
        made: list[dict[str, JsonValue]] = []
        while left:
            document, end = json.JSONDecoder().raw_decode(left)
            made += document["items"] if document.get("kind") == "List" else [document]
            left = left[end:].lstrip()
        return made

    def apply(self, manifests: str) -> None:
        """Server-side apply under our own field manager; raises as :meth:`call`."""
        self.call(
            "apply", "--server-side", f"--field-manager={MANAGER}", "-f", "-", stdin=manifests
        )

    def _error(self, words: tuple[str, ...], finished: Finished) -> BarberProError:
        said = finished.errors.strip().removeprefix("error: ")
        found = REASON.search(said)
        kind = REASONS.get(found.group(1), RejectedError) if found else UnreachableError
        if found is None and said.startswith("Error from server"):
            kind = RejectedError
        last = said.splitlines()[-1] if said else f"kubectl ended with {finished.code}"
        where = f"{self.context.title}, kubectl {' '.join(words[:3])}"
        return kind(
            _WHAT[kind].format(said=last), where=where, mend=_MEND[kind].format(self.context)
        )


_WHAT = {
    UnreachableError: "the cluster does not answer: {said}",
    UnauthorizedError: "the cluster does not accept these credentials; they may have expired: {said}",
    ForbiddenError: "this user may not do that: {said}",
    NotFoundError: "{said}",
    ConflictError: "{said}",
    RejectedError: "the cluster refused: {said}",
}
_MEND = {
    UnreachableError: "see that it runs and that this machine reaches {0.server} (VPN?), or choose another --kube-context",
    UnauthorizedError: "sign in again as your provider has it (such as: aws eks update-kubeconfig, gcloud container "
    "clusters get-credentials, az aks get-credentials), then run the same command again",
    ForbiddenError: "ask an administrator of the cluster for the right; barberpro cluster check lists all that are needed",
    NotFoundError: "",
    ConflictError: "",
    RejectedError: "",
}  # fmt: skip
