#!/usr/bin/env bash
# Sets up what is missing, builds, checks format and sizes, and runs every test.
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh
set_up
scripts/check-sizes
swift format lint --strict --recursive Sources Tests Benchmarks Fuzz/Runner Package.swift Fuzz/Package.swift
swift build -c release --build-tests
exec swift test -c release --skip-build "$@"
