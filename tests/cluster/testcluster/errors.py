"""What can go wrong with the test cluster."""

from __future__ import annotations


class ClusterError(Exception):
    """The test cluster could not be built or started; the message says why and how to mend it."""


class MissingError(ClusterError):
    """This machine lacks something that the test cluster needs; a test says so and is skipped."""
