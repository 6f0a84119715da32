"""Operators for acceptance tests: each has a home of its own, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support_operator import Operator


@pytest.fixture
def operator() -> Iterator[Operator]:
    """A new operator for one test."""
    someone = Operator.create()
    yield someone
    someone.leave()


@pytest.fixture(scope="module")
def settled() -> Iterator[Operator]:
    """An operator with a live barbershop, for the tests of one module that do not change it."""
    someone = Operator.create("taller del operador")
    someone.deploy("BarberShop Palermo")
    yield someone
    someone.leave()
