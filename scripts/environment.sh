# Sourced by the scripts: finds or makes the Python environment that the lock files describe.
# It lives in the user's cache, keyed by the lock, and never touches the system's Python.

barberpro_repository() { # the folder that holds this clone, whatever symbolic link led here
  local file=${BASH_SOURCE[0]} target
  while [ -L "$file" ]; do
    target=$(readlink "$file")
    case $target in /*) file=$target ;; *) file=$(dirname "$file")/$target ;; esac
  done
  (cd "$(dirname "$file")/.." && pwd -P)
}

barberpro_python() { # prints a Python of 3.11 or newer, or says what to install
  local candidate
  for candidate in "${BARBERPRO_PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  echo "error: BarberPro needs Python 3.11 or newer, and none was found on PATH." >&2
  echo "  mend: install it (Debian, Ubuntu, WSL: sudo apt install python3 python3-venv; macOS: brew install python)," >&2
  echo "        or name one: BARBERPRO_PYTHON=/path/to/python3" >&2
  return 1
}

barberpro_environment() { # $1 "run" or "dev"; sets BARBERPRO_ENVIRONMENT, building it the first time
  local repository=$1 kind=$2 cache key locks=("$1/requirements.lock")
  [ "$kind" = dev ] && locks+=("$1/requirements-dev.lock")
  if [ -n "${BARBERPRO_CACHE:-}" ]; then cache=$BARBERPRO_CACHE
  elif [ -n "${XDG_CACHE_HOME:-}" ]; then cache=$XDG_CACHE_HOME/barberpro
  elif [ "$(uname -s)" = Darwin ]; then cache=$HOME/Library/Caches/barberpro
  else cache=$HOME/.cache/barberpro; fi
  key=$(git hash-object -- "${locks[@]}" | cut -c1-12 | tr '\n' '-')
  BARBERPRO_ENVIRONMENT=$cache/environments/$kind-${key%-}
  if [ ! -e "$BARBERPRO_ENVIRONMENT/.ready" ] || [ ! -x "$BARBERPRO_ENVIRONMENT/bin/python" ]; then
    local python
    python=$(barberpro_python) || return 1
    "$python" "$repository/scripts/bootstrap.py" "$BARBERPRO_ENVIRONMENT" "${locks[@]}" || return 1
  fi
  export BARBERPRO_ENVIRONMENT BARBERPRO_REPOSITORY=$repository
  export PYTHONPATH="$repository/platform/src:$repository/app/src" PYTHONNOUSERSITE=1
}
