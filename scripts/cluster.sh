#!/usr/bin/env bash
# A real Kubernetes on this machine, for whoever works on BarberPro: up, down, status, load IMAGE.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
barberpro_environment "$PWD" dev
export PYTHONPATH="$PWD/tests/cluster:$PWD/scripts:$PYTHONPATH"
exec "$BARBERPRO_ENVIRONMENT/bin/python" -m testcluster "$@"
