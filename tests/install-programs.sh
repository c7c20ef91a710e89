#!/usr/bin/env bash
# Installs the programs that tests run, from Debian: brokers on loopback ports (mosquitto,
# nats-server), and what makes and verifies bundles (rauc, mksquashfs, openssl).
# Does nothing where all are there. The services that the packages would start are kept down.
set -euo pipefail

package_of() { case $1 in mksquashfs) echo squashfs-tools ;; *) echo "$1" ;; esac; }

missing=()
for program in mosquitto nats-server rauc mksquashfs openssl; do
  PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("$(package_of "$program")")
done
[ ${#missing[@]} -eq 0 ] && exit 0

fail() {
  echo "tests need ${missing[*]}, and $1." >&2
  echo "Install by hand: apt-get install ${missing[*]}" >&2
  exit 1
}

command -v apt-get >/dev/null || fail "there is no apt-get to install it with"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "installing it takes root or sudo"
  as_root=(sudo -n)
fi

# A service that is masked is not started by its package.
running=()
for package in "${missing[@]}"; do
  if command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl mask --quiet "$package.service" 2>/dev/null && running+=("$package")
  fi
done
install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends)
"${as_root[@]}" "${install[@]}" "${missing[@]}" >&2 \
  || { "${as_root[@]}" apt-get update >&2 && "${as_root[@]}" "${install[@]}" "${missing[@]}" >&2; } \
  || fail "apt-get could not install it"
for package in "${running[@]}"; do
  "${as_root[@]}" systemctl unmask --quiet "$package.service" 2>/dev/null || true
  "${as_root[@]}" systemctl disable --quiet "$package.service" 2>/dev/null || true
done
