"""Kubernetes quantities as exact numbers: ``250m`` is 0.25, ``2Gi`` is 2147483648.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from decimal import Decimal

SUFFIXES = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip
SHAPE = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")


def quantity(text: str | int | float) -> Decimal:
    """The number; cores for CPU, bytes for memory and storage.

    Raises:
        ValueError: it is not a quantity.
    """
    found = SHAPE.fullmatch(str(text))
    if found is None:
        raise ValueError(f"'{text}' is not a quantity")
    number, exponent, suffix = found.groups()
    return Decimal(number + (exponent or "")) * SUFFIXES[suffix or ""]
