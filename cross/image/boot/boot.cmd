# U-Boot: chooses the slot, counts the attempt, starts the kernel.
#
# The environment is one sector at the start of the partition "env": written whole or not at all.
# BOOT_ORDER, BOOT_A_LEFT and BOOT_B_LEFT are RAUC's.
@INTERFACE@ dev @NUMBER@
part start @DISK@ env sector
@INTERFACE@ read @SCRATCH@ ${sector} 1
env import -c @SCRATCH@ 0x200 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT || echo "boot: no environment"
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot
for candidate in ${BOOT_ORDER}; do
  if test -n "${slot}"; then
    true
  elif test "${candidate}" = "A" -a ${BOOT_A_LEFT} -gt 0; then
    setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1
    setenv slot A
  elif test "${candidate}" = "B" -a ${BOOT_B_LEFT} -gt 0; then
    setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1
    setenv slot B
  fi
done
# Nothing is left to try: everything is tried again, rather than nothing for ever.
if test -z "${slot}"; then
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 3
  setenv BOOT_B_LEFT 3
fi
env export -c -s 0x200 @SCRATCH@ BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
@INTERFACE@ write @SCRATCH@ ${sector} 1
test -n "${slot}" || reset

echo "boot: slot ${slot}, order ${BOOT_ORDER}, left A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}"
part number @DISK@ root-${slot} partition
load @DISK@:${partition} ${kernel_addr_r} /boot/kernel || reset
load @DISK@:${partition} ${ramdisk_addr_r} /boot/initrd || reset
setenv initrd ${ramdisk_addr_r}:${filesize}
@LOADTREE@
setenv bootargs "console=@CONSOLE@ quiet panic=5 rauc.slot=${slot}"
@BOOT@ ${kernel_addr_r} ${initrd} @TREE@ || reset
