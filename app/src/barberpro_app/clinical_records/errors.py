"""What can go wrong with clinical records."""

from __future__ import annotations

from barberpro_app.kit.errors import AppError, NotAllowedError, PolicyError


class NotesKeyMissingError(AppError):
    """Encryption is not set up here: the secret notes-key is missing."""

    code = "notes_key_missing"
    status = 503


class SealBrokenError(AppError):
    """What is stored was changed, belongs to somebody else, or is under a key that is not here."""

    code = "seal_broken"
    status = 500


class NotYourPatientError(NotAllowedError):
    """This is not your patient; entering needs a reason, and the patient will see it."""

    code = "not_your_patient"


class LevelError(NotAllowedError):
    """Your level of access to clinical records does not permit this."""

    code = "clinical_level"


class PersonNeededError(NotAllowedError):
    """Clinical data is for signed-in people: a program has no person to answer for the look."""

    code = "person_needed"


class RetentionFloorError(PolicyError):
    """The record must be kept: Ley 26.529 art. 18, ten years from the last entry."""

    code = "retention_floor"
