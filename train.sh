#!/usr/bin/env bash
# Sets up what is missing, builds, and trains: the embedded demo, or the recipe it is given.
#   ./train.sh                            the demo on two ranks
#   ./train.sh RECIPE.yaml [key=value]    a recipe (-n N for another number of ranks)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/scripts/setup.sh"
set_up
swift build --package-path "$here" -c release --product disttrain
disttrain=$(swift build --package-path "$here" -c release --show-bin-path)/disttrain
if [ $# -eq 0 ]; then
  exec "$disttrain" demo
fi
case " $* " in
  *" -n "*) exec "$disttrain" train "$@" ;;
  *) exec "$disttrain" train -n 2 "$@" ;;
esac
