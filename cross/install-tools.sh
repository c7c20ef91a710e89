#!/usr/bin/env bash
# Installs what cross-building, images, flashing and emulation need of Debian 12 or newer, or of a
# Ubuntu of that age. Does nothing where all is there.
set -euo pipefail

# A program or file, and the package that has it.
needed=(
  aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
  /usr/aarch64-linux-gnu/lib/libc.so.6:libc6-dev-arm64-cross
  arm-linux-gnueabihf-gcc:gcc-arm-linux-gnueabihf
  /usr/arm-linux-gnueabihf/lib/libc.so.6:libc6-dev-armhf-cross
  qemu-aarch64-static:qemu-user-static
  qemu-system-aarch64:qemu-system-arm
  /usr/lib/u-boot/qemu_arm64/u-boot.bin:u-boot-qemu
  mkimage:u-boot-tools
  rauc:rauc
  mksquashfs:squashfs-tools
  bmaptool:bmap-tools
  sfdisk:fdisk
  mkfs.ext4:e2fsprogs
  readelf:binutils
  openssl:openssl
  ssh:openssh-client
  /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
)

PATH="$PATH:/usr/sbin:/sbin"
missing=()
for need in "${needed[@]}"; do
  what=${need%%:*}
  [ -e "$what" ] || command -v "$what" > /dev/null || missing+=("${need#*:}")
done
exec "$(dirname "$0")/../tests/install-packages.sh" "${missing[@]}"
