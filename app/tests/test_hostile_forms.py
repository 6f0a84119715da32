"""Every form that a walk through the pages finds, sent with what nobody should send: no fault of the server,
a refusal in words, and nothing half stored."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support_forms import LAST, Walker
from support_shop import Shop
from support_whole_api import counted, furnish, whole_world

#: Where the walk begins; the pages are those of all services.
STARTS = {
    "owner": ("/agenda", "/ajustes", "/clientes", "/informe"),
    "client": ("/", "/mis-reservas", "/mis-datos"),
    "nobody": ("/",),
}
SENDINGS = 6


@pytest.mark.slow
@pytest.mark.parametrize("who", STARTS)
def test_no_form_takes_what_it_should_not(shop: Shop, tmp_path: Path, who: str) -> None:
    with whole_world(shop, tmp_path) as world:
        furnish(world)
        walker = Walker(world, who, random.Random(1))
        walker.walk(*STARTS[who])
        assert len(walker.forms) >= {"owner": 60, "client": 15, "nobody": 3}[who]
        for form in walker.forms.values():
            if not any(part in form.action for part in LAST):
                walker.attack(form, SENDINGS)
        assert not walker.faults, "\n".join(sorted(set(walker.faults)))
    assert counted(shop) == []
