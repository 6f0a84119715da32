"""`openapi`: the document of the API with all services of this release. Needs no configuration."""

from __future__ import annotations

import argparse
import sys

from fastapi import FastAPI

from barberpro_app.application import whole_api
from barberpro_app.openapi import Document, written


def generated() -> Document:
    app: FastAPI = whole_api()
    return app.openapi()


def run(_arguments: argparse.Namespace) -> int:
    sys.stdout.write(written(generated()))
    return 0
