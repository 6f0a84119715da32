#!/usr/bin/env bash
# Measures the figures of benchmarks/RESULTS.md and writes them there.
#   scripts/benchmark.sh              all of them (about half an hour)
#   scripts/benchmark.sh pipeline     only these
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
barberpro_environment "$PWD" dev
exec "$BARBERPRO_ENVIRONMENT/bin/python" benchmarks/run.py "$@"
