"""The signed link of a booking opens that booking and nothing else."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.kit.links import BookingLinks

LINKS = BookingLinks(b"k" * 32, "https://shop.localhost:8443/")


@given(st.uuids())
def test_a_token_gives_back_its_booking(key: UUID) -> None:
    token = LINKS.token(key)
    assert LINKS.booking_id(token) == key
    assert LINKS.url(key) == f"https://shop.localhost:8443/reserva/{token}"


@given(st.uuids(), st.integers(0, 42), st.sampled_from("AZaz09-_"))
def test_a_changed_token_opens_nothing(key: UUID, at: int, sign: str) -> None:
    token = LINKS.token(key)
    changed = token[:at] + sign + token[at + 1 :]
    assert changed == token or LINKS.booking_id(changed) is None or at == 42


@given(st.uuids(), st.text(max_size=60))
def test_the_token_of_another_deployment_or_any_text_opens_nothing(key: UUID, text: str) -> None:
    other = BookingLinks(b"o" * 32, "https://shop.localhost:8443")
    assert LINKS.booking_id(other.token(key)) is None
    assert LINKS.booking_id(text) is None
