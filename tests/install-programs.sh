#!/usr/bin/env bash
# Installs the programs that tests run, from Debian: brokers on loopback ports (mosquitto,
# nats-server), and what makes and verifies bundles (rauc, mksquashfs, openssl).
# Does nothing where all are there.
set -euo pipefail

package_of() { case $1 in mksquashfs) echo squashfs-tools ;; *) echo "$1" ;; esac; }

missing=()
for program in mosquitto nats-server rauc mksquashfs openssl; do
  PATH="$PATH:/usr/sbin" command -v "$program" > /dev/null || missing+=("$(package_of "$program")")
done
exec "$(dirname "$0")/install-packages.sh" "${missing[@]}"
