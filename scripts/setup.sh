# Installs what is missing and builds; sourced by train.sh, evaluate.sh and test.sh, which run in the repository's root.

# Names of the Debian packages that are not installed.
missing_packages() {
  local package
  for package in libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-dev libdnnl-dev pkg-config; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

install_packages() {
  local packages as_root=()
  packages=$(missing_packages | tr '\n' ' ')
  [ -n "${packages// /}" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "Missing Debian packages. Install them, then run this again:" >&2
      echo "  sudo apt-get update && sudo apt-get install -y $packages" >&2
      exit 69
    fi
    as_root=(sudo)
  fi
  echo "Installing $packages"
  "${as_root[@]}" apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq $packages >/dev/null
}

require_swift() {
  command -v swift >/dev/null && return 0
  echo "Swift 6.3 is missing; install it from https://www.swift.org/install/linux" >&2
  exit 69
}

# mpirun refuses to run as root unless told twice that it is meant.
allow_root() {
  [ "$(id -u)" -eq 0 ] || return 0
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}

set_up() {
  require_swift
  install_packages
  allow_root
}
