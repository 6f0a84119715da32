"""One deployment's namespace on one cluster: reads, waits that explain themselves, and what is done
with ``kubectl`` where Helm has no word for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from barberpro.errors import BarberProError, RefusedError
from barberpro.kube.contexts import Context
from barberpro.kube.kubectl import ConflictError, Kubectl, NotFoundError, UnreachableError
from barberpro.kube.reader import Reader
from barberpro.targets.kubernetes import progress
from barberpro.targets.protocol import PassingFaultError

OWNER = "barberpro.com.ar/deployment"
#: Pod Security, profile restricted (https://kubernetes.io/docs/concepts/security/pod-security-admission/)
SECURITY = tuple(
    f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "audit", "warn")
)
MIGRATIONS = "app.kubernetes.io/component=migration"
POLL_SECONDS = 1.0
UNREACHABLE_SECONDS = 60.0  # an API server that is being restarted
ROOM_SECONDS = 90.0  # a cluster that adds a node takes about so long
GONE_SECONDS = 180.0
LOG_LINES = 15
#: What a reader can list: the address, and the kind that the objects of a list do not name.
LISTS = {
    "pods": ("/api/v1/namespaces/{}/pods", "Pod"),
    "deployments": ("/apis/apps/v1/namespaces/{}/deployments", "Deployment"),
    "jobs": ("/apis/batch/v1/namespaces/{}/jobs", "Job"),
    "statefulsets": ("/apis/apps/v1/namespaces/{}/statefulsets", "StatefulSet"),
}
Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """``reader`` is for many reads; where it has no answer, or there is none, ``kubectl`` is asked."""

    kubectl: Kubectl
    namespace: str
    reader: Reader | None = None

    @classmethod
    def of(cls, context: Context, namespace: str, reader: Reader | None = None) -> Site:
        return cls(Kubectl(context), namespace, reader)

    # -- the namespace

    def namespace_object(self) -> Object | None:
        try:
            return self._json("get", "namespace", self.namespace)
        except NotFoundError:
            return None

    def check_namespace(self) -> str:
        """``absent`` or ``ours``. Raises ``RefusedError`` where it is somebody else's, and
        ``PassingFaultError`` while an earlier one is being removed."""
        found = self.namespace_object()
        if found is None:
            return "absent"
        if found.get("status", {}).get("phase") == "Terminating":
            raise PassingFaultError(
                f"namespace {self.namespace} is being removed: {_stuck(found)}",
                seconds=3.0,
                where=self.kubectl.context.title,
            )
        labels = found["metadata"].get("labels", {})
        if labels.get(OWNER) == self.namespace:
            return "ours"
        strangers = self.names("deployments,statefulsets,services,secrets,persistentvolumeclaims")
        if strangers:
            raise RefusedError(
                f"namespace {self.namespace} is somebody else's: it holds {', '.join(strangers[:5])}",
                where=self.kubectl.context.title,
                mend=f"choose another --id; or, if all of it may belong to this deployment: "
                f"kubectl label namespace {self.namespace} {OWNER}={self.namespace}",
            )
        return "absent"

    def ensure_namespace(self) -> bool:
        """Makes the namespace, ours and restricted; True where it was not there."""
        made = self.check_namespace() == "absent"
        if made and self.namespace_object() is None:
            try:
                self.kubectl.call("create", "namespace", self.namespace)
            except ConflictError:  # made meanwhile by the attempt before, whose answer was lost
                made = False
        self.kubectl.call(
            "label", "namespace", self.namespace, "--overwrite", f"{OWNER}={self.namespace}", *SECURITY
        )  # fmt: skip
        return made

    def remove_namespace(self) -> None:
        """Removes it and all in it, and waits until it is gone."""
        found = self.namespace_object()
        if found is None:
            return
        if found["metadata"].get("labels", {}).get(OWNER) != self.namespace:
            raise RefusedError(
                f"namespace {self.namespace} is not marked as this deployment's: it stays",
                where=self.kubectl.context.title,
                mend=f"look at it, then remove it by hand: kubectl delete namespace {self.namespace}",
            )
        self.kubectl.call("delete", "namespace", self.namespace, "--wait=false")
        deadline = time.monotonic() + GONE_SECONDS
        while (found := self.namespace_object()) is not None:
            if time.monotonic() > deadline:
                raise BarberProError(
                    f"namespace {self.namespace} is not gone after {GONE_SECONDS:.0f} s: {_stuck(found)}",
                    where=self.kubectl.context.title,
                    mend=f"kubectl get namespace {self.namespace} -o yaml shows what holds it; then "
                    "run the same command again",
                )
            time.sleep(POLL_SECONDS)

    # -- reads

    def get(self, kind: str, name: str) -> Object | None:
        try:
            return self._json("get", kind, name, "-n", self.namespace)
        except NotFoundError:
            return None

    def objects(self, kinds: str, *words: str) -> list[Object]:
        """Objects of these kinds; none where the cluster knows no such kind."""
        chosen = "" if not words else words[1] if words[0] == "-l" and len(words) == 2 else None
        if self.reader is not None and chosen is not None:
            read = self._read(self.reader, kinds.split(","), chosen)
            if read is not None:
                return read
        try:
            found = self._json("get", kinds, "-n", self.namespace, *words)
        except NotFoundError:
            return []
        items = found.get("items", [])
        return [*items] if isinstance(items, list) else []

    def _read(self, reader: Reader, kinds: Sequence[str], selector: str) -> list[Object] | None:
        found: list[Object] = []
        for kind in kinds:
            path, name = LISTS.get(kind, ("", ""))
            asked = f"?labelSelector={quote(selector)}" if selector else ""
            answer = reader.get(path.format(self.namespace) + asked) if path else None
            if answer is None:
                return None
            found += [{"kind": name, **one} for one in answer.get("items") or ()]
        return found

    def names(self, kinds: str) -> list[str]:
        """What is there, as kind/name; without what every namespace has."""
        return [
            f"{one['kind'].lower()}/{one['metadata']['name']}"
            for one in self.objects(kinds)
            if one.get("type") != "kubernetes.io/service-account-token"
        ]

    def has_kind(self, plural: str) -> bool:
        """Whether the cluster knows a kind, such as ``clusters.postgresql.cnpg.io``."""
        try:
            self.kubectl.call("get", "customresourcedefinition", plural, "-o", "name")
        except NotFoundError:
            return False
        return True

    def _json(self, *words: str) -> Object:
        found = json.loads(self.kubectl.call(*words, "-o", "json"))
        assert isinstance(found, dict)
        return found

    # -- waits

    def wait_for(
        self,
        kind: str,
        wanted: Callable[[Object], bool],
        *,
        seconds: float,
        say: Callable[[str], None],
    ) -> list[Object]:
        """Waits until all workloads of ``kind`` that are ``wanted`` are rolled out.

        Raises ``BarberProError`` at once for what waiting does not mend, and ``PassingFaultError``
        with how it stands when ``seconds`` have passed. An API server that is away is waited for.
        """
        started = time.monotonic()
        heard, said = started, ""
        while True:
            try:
                found = self.objects(f"{kind},pods")
                workloads = [one for one in found if one["kind"] != "Pod" and wanted(one)]
                now = progress.standing(
                    workloads,
                    [one for one in found if one["kind"] == "Pod"],
                    patient=time.monotonic() - started < ROOM_SECONDS,
                )
                heard = time.monotonic()
            except UnreachableError as error:
                if time.monotonic() - heard > UNREACHABLE_SECONDS:
                    raise PassingFaultError(error.what, seconds=5.0, where=error.where) from error
                time.sleep(POLL_SECONDS)
                continue
            if workloads and now.done:
                return workloads
            if now.line != said:
                said = now.line
                say(said)
            if now.trouble is not None:
                raise self.explained(now.trouble)
            if time.monotonic() - started > seconds:
                raise PassingFaultError(
                    f"after {seconds:.0f} s {now.line}", seconds=2.0, where=self._where()
                )
            time.sleep(POLL_SECONDS)

    def watch(self, say: Callable[[str], None]) -> Callable[[], None]:
        """Looks at the pods of this namespace when it is called: raises ``BarberProError`` where one
        cannot start, and says how they stand."""
        started, said = time.monotonic(), [""]

        def look() -> None:
            patient = time.monotonic() - started < ROOM_SECONDS
            try:
                now = progress.standing([], self.objects("pods"), patient=patient)
            except UnreachableError:
                return  # whoever waits with us will say so
            if now.trouble is not None:
                raise self.explained(now.trouble)
            if now.notes and now.notes != said[0]:
                said[0] = now.notes
                say(said[0])

        return look

    def explained(self, trouble: progress.Trouble) -> BarberProError:
        """With the end of the pod's log where it crashed, and what to look with."""
        look = (
            self.shown("describe", "pod", trouble.pod)
            if trouble.pod
            else self.shown("get", "events")
        )
        what = trouble.what
        if trouble.crash:
            look = self.shown("logs", trouble.pod, "--all-containers", "--previous")
            what += f"\n{self.last_words(trouble.pod)}"
        return BarberProError(what, where=self._where(), mend=f"{look}; {trouble.mend}")

    def last_words(self, pod: str) -> str:
        """The end of what a pod wrote; empty where it wrote nothing."""
        for more in (["--previous"], []):
            try:
                said = self.kubectl.call(
                    "logs", pod, "-n", self.namespace, "--all-containers", f"--tail={LOG_LINES}", *more
                )  # fmt: skip
            except BarberProError:
                continue  # no earlier container, or none yet
            if said.strip():
                return said.strip()
        return ""

    def shown(self, *words: str) -> str:
        """A command for a person to run."""
        named = f"--context={self.kubectl.context.name} " if self.kubectl.context.name else ""
        return f"kubectl {named}-n {self.namespace} {' '.join(words)}"

    def _where(self) -> str:
        return f"{self.kubectl.context.title}, namespace {self.namespace}"

    # -- acts

    def scale(self, names: Iterable[tuple[str, int]]) -> None:
        for name, replicas in names:
            self.kubectl.call(
                "scale", f"deployment/{name}", f"--replicas={replicas}", "-n", self.namespace
            )

    def end_migrations(self) -> None:
        """Removes those that are not complete, with their pods: what a revision that was taken back left,
        which would be in the way of the next one. A migration can be begun again at any moment."""
        left = [
            one["metadata"]["name"]
            for one in self.objects("jobs", "-l", MIGRATIONS)
            if progress.job_state(one) != "complete"
        ]
        if left:
            self.kubectl.call(
                "delete", "job", *left, "-n", self.namespace, "--ignore-not-found", "--cascade=foreground"
            )  # fmt: skip

    def execute(self, where: str, command: Sequence[str], *, seconds: float = 120.0) -> str:
        """What a command in a pod (``deployment/NAME`` or ``pod/NAME``) writes."""
        return self.kubectl.call(
            "exec", where, "-n", self.namespace, "--request-timeout=0", "--", *command, seconds=seconds
        )  # fmt: skip


def _stuck(namespace: Object) -> str:
    """What holds a namespace that is being removed."""
    for condition in namespace.get("status", {}).get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in (
            "NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionDiscoveryFailure",
            "NamespaceDeletionContentFailure",
        ):  # fmt: skip
            return str(condition.get("message", condition["type"]))
    return "its objects are going"
