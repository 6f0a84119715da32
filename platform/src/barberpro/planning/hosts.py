"""Host names and e-mail addresses as operators write them, in the one form that a plan keeps."""

from __future__ import annotations

import ipaddress
import re

HOSTNAME_LENGTH = 253  # RFC 1035 §2.3.4, without the final dot
EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3
_LOCAL_PART_LENGTH = 64  # RFC 5321 §4.5.3.1.1
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# The last label as a number, decimal or hexadecimal: resolvers read such a name as an address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
# Names that can never be public (RFC 6761, RFC 6762, RFC 7686).
_NEVER_PUBLIC = frozenset({"invalid", "local", "localhost", "onion"})


class HostError(ValueError):
    """The text is no host name or address; the message says why."""


def hostname(text: str) -> str:
    """``text`` as an ASCII host name in lower case without final dot (RFC 1123 §2.1, RFC 3490)."""
    bare = text.strip().removesuffix(".")
    if not bare:
        raise HostError("it is empty")
    if len(bare) > HOSTNAME_LENGTH:
        raise HostError(f"it has {len(bare)} characters, a host name has at most 253")
    if any(sign in bare for sign in ":/@?#\\ "):
        raise HostError("give the bare name, without https://, port, path or user")
    try:
        ascii_name = bare.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise HostError("it has an empty or overlong part, or signs no name may have") from error
    if len(ascii_name) > HOSTNAME_LENGTH:
        raise HostError("it is longer than 253 characters in its IDNA form")
    for label in ascii_name.split("."):
        if not _LABEL.fullmatch(label):
            raise HostError(
                "each part between dots has 1 to 63 letters, digits or inner hyphens (RFC 1123)"
            )
    return ascii_name


def public_domain(text: str) -> str:
    """``text`` as the name of a public site: a host name of two parts or more, no address."""
    bare = text.strip().strip("[]")
    if _is_address(bare):
        raise HostError("it is an IP address; a public name is needed")
    name = hostname(text)
    last = name.rpartition(".")[2]
    if last in _NEVER_PUBLIC:
        raise HostError(
            f"names under .{last} are never public; every deployment has <id>.localhost without asking"
        )
    if _NUMBER.fullmatch(last):
        raise HostError("its last part is a number, which makes it an IP address")
    if "." not in name:
        raise HostError("a public name has at least two parts, such as turnos.example.com.ar")
    return name


def email_address(text: str) -> str:
    """``text`` as an address whose domain is in ASCII and lower case (RFC 5321, without quoting)."""
    bare = text.strip()
    if len(bare) > EMAIL_LENGTH:
        raise HostError(f"it has {len(bare)} characters, an address has at most {EMAIL_LENGTH}")
    local, at, domain = bare.rpartition("@")
    if not at:
        raise HostError("there is no @ in it")
    if len(local) > _LOCAL_PART_LENGTH or not _LOCAL_PART.fullmatch(local):
        raise HostError("the part before the @ is not valid (RFC 5321)")
    if _is_address(domain.strip("[]")):
        raise HostError("its domain is an IP address; a name is needed")
    return f"{local}@{hostname(domain)}"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
