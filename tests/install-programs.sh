#!/usr/bin/env bash
# Installs the programs that tests run, from Debian: brokers on loopback ports (mosquitto,
# nats-server), and what makes images (mkfs.ext4, sfdisk, mkimage), writes them (bmaptool), and makes
# and verifies bundles (rauc, mksquashfs, openssl).
# Does nothing where all are there.
set -euo pipefail

package_of() {
  case $1 in
    mksquashfs) echo squashfs-tools ;;
    mkfs.ext4) echo e2fsprogs ;;
    sfdisk) echo fdisk ;;
    mkimage) echo u-boot-tools ;;
    bmaptool) echo bmap-tools ;;
    *) echo "$1" ;;
  esac
}

missing=()
for program in mosquitto nats-server rauc mksquashfs openssl \
  mkfs.ext4 sfdisk mkimage bmaptool; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" > /dev/null || missing+=("$(package_of "$program")")
done
exec "$(dirname "$0")/install-packages.sh" "${missing[@]}"
