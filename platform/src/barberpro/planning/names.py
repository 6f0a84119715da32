"""Names that follow from a deployment's name: its id, its host name, its PostgreSQL identifiers."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from barberpro.errors import InvalidInputError
from barberpro.planning.inventory import Inventory
from barberpro.planning.model import Request

LABEL_LENGTH = 63  # RFC 1035 §2.3.4; Kubernetes namespaces have the same limit
IDENTIFIER_BYTES = 63  # PostgreSQL: NAMEDATALEN - 1
_ROLE_SUFFIXES = ("_owner", "_app")
_DIGEST_LENGTH = 10
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
# Letters that Unicode does not decompose into a basic letter and a mark.
_FOLDED = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th"})
# Namespaces that Kubernetes has or reserves, and the name of this machine itself.
_RESERVED = frozenset({"default", "localhost"})
_RESERVED_PREFIXES = ("kube-", "xn--")


def deployment_id(name: str) -> str:
    """The id of a deployment called ``name``: lower case, accents folded (ñ becomes n), whatever
    is neither a letter nor a digit becomes one hyphen, and what is not Latin is dropped.

    Empty where nothing is left; longer than a DNS label allows where the name folds to more.
    """
    folded = unicodedata.normalize("NFKD", name.casefold()).casefold().translate(_FOLDED)
    bare = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", "-", bare, flags=re.ASCII).strip("-")


def id_problem(identifier: str) -> str:
    """Why ``identifier`` cannot be a deployment's id; empty where it can (RFC 1123 §2.1)."""
    if not identifier:
        return "no Latin letter or digit is left to make an id from"
    if len(identifier) > LABEL_LENGTH:
        return f"the id has {len(identifier)} characters, a DNS label has at most {LABEL_LENGTH}"
    if not _LABEL.fullmatch(identifier):
        return "an id has only a-z, 0-9 and hyphens, and a letter or digit at both ends"
    if identifier in _RESERVED or identifier.startswith(_RESERVED_PREFIXES):
        return f"the id {identifier!r} is reserved"
    return ""


def request_id(request: Request) -> str:
    """The id that ``request`` asks for: its own ``id``, or the one made from its name."""
    return request.id if request.id is not None else deployment_id(request.name)


def local_hostname(identifier: str) -> str:
    """``<id>.localhost``: resolves to this machine everywhere (RFC 6761 §6.3)."""
    return f"{identifier}.localhost"


@dataclass(frozen=True, slots=True)
class DatabaseNames:
    """PostgreSQL identifiers: lower case, at most 63 bytes, no quoting needed."""

    database: str
    owner_role: str
    app_role: str


def database_names(identifier: str) -> DatabaseNames:
    """The database and the roles of the deployment ``identifier``; different ids never share one.

    A short id stands as it is. One that would reach the limit is cut and ends in a digest, so that
    two long ids with the same beginning stay apart.
    """
    base = "bp_" + identifier.replace("-", "_")
    room = IDENTIFIER_BYTES - max(len(suffix) for suffix in _ROLE_SUFFIXES)
    if len(base) >= room:
        digest = hashlib.sha256(identifier.encode()).hexdigest()[:_DIGEST_LENGTH]
        base = f"{base[: room - _DIGEST_LENGTH - 1]}_{digest}"
    owner, app = (base + suffix for suffix in _ROLE_SUFFIXES)
    return DatabaseNames(database=base, owner_role=owner, app_role=app)


def check_collision(request: Request, inventory: Inventory) -> None:
    """Raises ``InvalidInputError`` where the request's id belongs to another deployment.

    The same vertical and name is an update. So is the same vertical with the id given
    explicitly: the operator points at the deployment and gives it a new name.
    """
    identifier = request_id(request)
    known = inventory.deployments.get(identifier)
    if known is None:
        return
    if known.vertical == request.vertical and (
        known.name == request.name or request.id is not None
    ):
        return
    raise InvalidInputError(
        f"The id {identifier!r} belongs to another deployment: {known.name!r} ({known.vertical}).",
        where="--id" if request.id is not None else f"--name {request.name!r}",
        mend=(
            f"Give another --name, or an --id of its own such as {_free_id(request, inventory)!r}; "
            f"to change the existing one, repeat its --vertical {known.vertical} "
            f"and --name {known.name!r}."
        ),
    )


def _free_id(request: Request, inventory: Inventory) -> str:
    """A near id that nobody has: with the vertical first, with a number after that."""
    identifier = request_id(request)
    stem = f"{identifier[: LABEL_LENGTH - 1 - len(request.vertical)]}-{request.vertical}"
    if not id_problem(stem) and stem not in inventory.deployments:
        return stem
    number = 2
    while f"{identifier[: LABEL_LENGTH - 8]}-{number}" in inventory.deployments:
        number += 1
    return f"{identifier[: LABEL_LENGTH - 8]}-{number}"
