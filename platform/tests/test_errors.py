"""An operator reads what, where and how to mend."""

from barberpro.errors import ExitCode, LockedError


def test_an_error_says_what_where_and_how_to_mend() -> None:
    error = LockedError("held by ana", where="barbershop-palermo", mend="wait, or --lock-wait 60")
    assert str(error) == (
        "held by ana\n  where: barbershop-palermo\n  mend: wait, or --lock-wait 60"
    )
    assert error.exit_code is ExitCode.LOCKED == 4


def test_the_class_text_is_the_default_message() -> None:
    assert str(LockedError()) == "Another run holds this deployment."
