#!/usr/bin/env bash
# Installs what the benchmark of the codec runs beside Rust, from Debian: asn1c, one of the peers,
# and valgrind, which counts instructions. Does nothing where both are there.
set -euo pipefail

missing=()
for program in asn1c valgrind; do
  command -v "$program" >/dev/null || missing+=("$program")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive
  apt-get install --yes --no-install-recommends "${missing[@]}")
"${install[@]}" >&2 || { "${as_root[@]}" apt-get update >&2 && "${install[@]}" >&2; } || {
  echo "The benchmark needs ${missing[*]}; install by hand: apt-get install ${missing[*]}" >&2
  exit 1
}
