#!/usr/bin/env bash
# Scores a run's adapter on its held-out split.
#   ./evaluate.sh RUN_DIR [key=value]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -eq 0 ]; then
  echo "usage: ./evaluate.sh RUN_DIR [key=value]" >&2
  exit 64
fi
source "$here/scripts/setup.sh"
set_up
swift build --package-path "$here" -c release --product disttrain
exec "$(swift build --package-path "$here" -c release --show-bin-path)/disttrain" evaluate "$@"
