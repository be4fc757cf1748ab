#!/usr/bin/env bash
# Usage: down.sh DIR [--kill]
# Stops the broker that up.sh started in DIR and waits for its end; --kill sends SIGKILL.
set -euo pipefail

dir=${1:?usage: down.sh DIR [--kill]}
[[ -e $dir/pid ]] || exit 0
read -r pid start <"$dir/pid"

# Whether the process still is the one that was started: numbers are used again.
lives() {
  local stat
  stat=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) || return 1
  [[ $(cut -d' ' -f1 <<<"$stat") != Z && $(cut -d' ' -f20 <<<"$stat") == "$start" ]]
}

if lives; then
  if [[ ${2:-} == --kill ]]; then kill -KILL "$pid"; else kill -TERM "$pid"; fi
  for ((i = 0; i < 600; i++)); do
    lives || break
    sleep 0.05
  done
  if lives; then
    echo "down.sh: expected broker $pid to end within 30 s, it lives" >&2
    exit 1
  fi
fi
rm "$dir/pid"
