#!/usr/bin/env bash
# Runs every check and test: format, lint, layers, types, then all tests in parallel.
#   scripts/test.sh             everything
#   scripts/test.sh PATH ...    only these tests (arguments go to pytest)
#   scripts/test.sh --lint      only format, lint, layers and types
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
barberpro_environment "$PWD" dev
bin=$BARBERPRO_ENVIRONMENT/bin

lint() {
  "$bin/ruff" format --check .
  "$bin/ruff" check .
  "$bin/lint-imports" --no-cache
  "$bin/mypy"
  "$bin/python" scripts/check_house.py
}

if [ "${1:-}" = --lint ]; then
  lint
elif [ "$#" -gt 0 ]; then
  exec "$bin/python" -m pytest "$@"
else
  lint
  # one more than there are cores: tests wait for servers and browsers a part of their time
  workers=${BARBERPRO_TEST_WORKERS:-$(($("$bin/python" -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())') + 1))}
  # by file: tests of a file share what they set up (xdist_group has no effect with this pytest);
  # the longest files first (tests/support/support_order.py)
  exec "$bin/python" -m pytest -n "$workers" --dist loadfile --no-loadscope-reorder
fi
