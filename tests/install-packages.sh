#!/usr/bin/env bash
# Installs the Debian packages that are named, as root or by sudo. The services that they would start
# are kept down.
set -euo pipefail
[ $# -gt 0 ] || exit 0

fail() {
  echo "Missing: $*. Install by hand: apt-get install ${packages[*]}" >&2
  exit 1
}

packages=("$@")
command -v apt-get > /dev/null || fail "${packages[*]}; there is no apt-get to install them with"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || fail "${packages[*]}; installing them takes root or sudo"
  as_root=(sudo -n)
fi

# A service that is masked is not started by its package.
masked=()
if command -v systemctl > /dev/null; then
  for package in "${packages[@]}"; do
    "${as_root[@]}" systemctl mask --quiet "$package.service" 2> /dev/null && masked+=("$package")
  done
fi
install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends)
"${as_root[@]}" "${install[@]}" "${packages[@]}" >&2 \
  || { "${as_root[@]}" apt-get update >&2 && "${as_root[@]}" "${install[@]}" "${packages[@]}" >&2; } \
  || fail "${packages[*]}; apt-get could not install them"
for package in "${masked[@]}"; do
  "${as_root[@]}" systemctl unmask --quiet "$package.service" 2> /dev/null || true
  "${as_root[@]}" systemctl disable --quiet "$package.service" 2> /dev/null || true
done
