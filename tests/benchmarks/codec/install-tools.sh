#!/usr/bin/env bash
# Installs what the benchmark of the codec runs beside Rust, from Debian: asn1c, one of the peers,
# and valgrind, which counts instructions. Does nothing where both are there.
set -euo pipefail

missing=()
for program in asn1c valgrind; do
  command -v "$program" > /dev/null || missing+=("$program")
done
exec "$(dirname "$0")/../../install-packages.sh" "${missing[@]}"
