#!/usr/bin/env bash
# Pins all dependencies, with hashes and without addresses, for every platform and Python from 3.11 on.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
command -v uv >/dev/null || { echo "error: lock.sh needs uv on PATH (pip install uv)" >&2; exit 1; }
pin() { uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate "$@"; }
pin app/pyproject.toml platform/pyproject.toml -o requirements.lock
pin requirements-dev.in -o requirements-dev.lock
# the image has the app alone, at the same versions
pin app/pyproject.toml -c requirements.lock -o app/requirements.lock
