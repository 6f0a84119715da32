#!/usr/bin/env bash
# Deploys a template (manual, "Automated Deployment Command"). Same flags as: barberpro deploy
set -euo pipefail
exec "$(dirname -- "${BASH_SOURCE[0]}")/barberpro" deploy "$@"
