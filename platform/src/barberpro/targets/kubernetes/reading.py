"""Small readings: an image's name, what a command of the app answered, which objects are meant."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

from barberpro.errors import InvalidInputError
from barberpro.planning.findings import Finding, Severity
from barberpro.targets.kubernetes.site import Object
from barberpro.targets.kubernetes.values import Image


def image_of(reference: str) -> Image:
    """Repository with tag or digest. Raises ``InvalidInputError`` for anything else."""
    repository, at, digest = reference.partition("@")
    if at:
        if not digest.startswith("sha256:") or len(digest) != 71:
            raise InvalidInputError(f"'{digest}' is not a digest", where="--image")
        return Image(repository, digest=digest)
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag or not name:
        raise InvalidInputError(
            f"'{reference}' names no version of the image",
            where="--image",
            mend="name a tag or, better, a digest: registry.example/barberpro/app@sha256:...",
        )
    return Image(name, tag=tag)


def named(*names: str) -> Callable[[Object], bool]:
    return lambda one: one["metadata"]["name"] in names


def whatever(_one: Object) -> bool:
    return True


def digest_of(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def info(identifier: str, what: str, where: str) -> Finding:
    return Finding(id=identifier, severity=Severity.INFO, what=what, where=where)


def last_object(text: str) -> Mapping[str, object]:
    """The last line that is a JSON object: what a command of the app answers."""
    for line in reversed(text.strip().splitlines()):
        if line.startswith("{"):
            found = json.loads(line)
            if isinstance(found, dict) and "event" not in found:
                return found
    return {}
