#!/bin/sh
# docker/install.sh cpu|cuda: all that the image holds, into the folder it is called in and into
# $CONTRASTREAM_CACHE, whose path is part of what is built: the image must keep it.
set -eu

case "${1:-}" in
  cpu) engine='' ;;
  cuda) engine='--cuda' ;;
  *) echo "docker/install.sh: expected cpu or cuda, got '${1:-}'" >&2; exit 2 ;;
esac

# No script of a package runs: what ours would do comes next, by name.
npm ci --omit=dev --ignore-scripts --no-audit --no-fund
# shellcheck disable=SC2086 # no argument is no argument
node lib/cli/main.ts engine install $engine
# A network without a way out could not fetch it later.
node lib/cli/main.ts backbone install mobilenet-v2
