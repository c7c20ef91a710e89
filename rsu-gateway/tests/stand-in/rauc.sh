#!/bin/sh
# A stand-in for RAUC 1.8 with two slots: `rauc.sh FOLDER status|info|install ...`, with the words
# and exit codes of the real one. FOLDER holds, as small files:
#   booted primary    A or B
#   compatible        the board, "rsu-test" without the file
#   A.state B.state   good or bad
#   A.count B.count   installations so far
#   A.version         of what was installed last
#   break             if there: what an installation fails with
# A bundle is a text of lines compatible=..., version=..., signer=...; "operator" is trusted. What
# makes a signature good is what comes before the line "sum=CKSUM".
set -eu
folder=$1
shift

kept() { if [ -e "$folder/$1" ]; then cat "$folder/$1"; else echo "$2"; fi; }
member() { sed -n "s/^$1=//p" "$bundle"; }
message() { echo "rauc-Message: 12:00:00.000: $1" >&2; }

booted=$(kept booted A)
case $booted in A) other=B ;; *) other=A ;; esac
compatible=$(kept compatible rsu-test)

# Fails as the real one does, unless the bundle is one, and signed.
verify() {
  message "Reading bundle: $bundle"
  if [ "$(head -c 11 "$bundle")" != "compatible=" ]; then
    fault="Invalid bundle format: Signature size (6072309344633695498) exceeds bundle size"
    return 1
  fi
  message "Verifying bundle signature... "
  if [ "$(member signer)" != operator ]; then
    fault="signature verification failed: Verify error: self-signed certificate"
    return 1
  fi
  if [ "$(grep -v '^sum=' "$bundle" | cksum)" != "$(member sum)" ]; then
    fault="signature verification failed: Verify error: digest failure"
    return 1
  fi
  message "Verified inline signature by 'O = Test, CN = operator'"
}

slot_json() { # NAME BOOTNAME STATE
  count=$(kept "$2.count" 0)
  details='{"bundle":{"compatible":null}}'
  if [ "$count" -gt 0 ]; then
    details="{\"bundle\":{\"compatible\":\"$compatible\",\"version\":\"$(kept "$2.version" "")\"},\"checksum\":{\"sha256\":\"0f\",\"size\":65536},\"installed\":{\"timestamp\":\"2026-11-22T17:50:29Z\",\"count\":$count},\"activated\":{\"timestamp\":\"2026-11-22T17:50:29Z\",\"count\":$count},\"status\":\"ok\"}"
  fi
  printf '{"%s":{"class":"rootfs","device":"/dev/rsu/%s","type":"ext4","bootname":"%s","state":"%s","parent":null,"mountpoint":null,"boot_status":"%s","slot_status":%s}}' \
    "$1" "$1" "$2" "$3" "$(kept "$2.state" good)" "$details"
}

name_of() { case $1 in A) echo rootfs.0 ;; *) echo rootfs.1 ;; esac; }

case "$*" in
"status --detailed --output-format=json")
  printf '{"compatible":"%s","variant":"","booted":"%s","boot_primary":"%s","slots":[%s,%s]}\n' \
    "$compatible" "$booted" "$(name_of "$(kept primary "$booted")")" \
    "$(slot_json "$(name_of $other)" $other inactive)" \
    "$(slot_json "$(name_of "$booted")" "$booted" booted)"
  ;;
"status mark-good" | "status mark-bad")
  case $2 in mark-good) mark=good ;; *) mark=bad ;; esac
  echo "$mark" >"$folder/$booted.state"
  [ $mark = bad ] && echo $other >"$folder/primary"
  echo "rauc status: marked slot $(name_of "$booted") as $mark"
  ;;
"info --output-format=json "*)
  bundle=$3
  verify || { echo "$fault" >&2; exit 1; }
  printf '{"compatible":"%s","version":"%s","description":null,"build":null,"hooks":[],"images":[{"rootfs":{"variant":null,"filename":"rootfs.ext4","checksum":"0f","size":65536,"hooks":[],"adaptive":[]}}]}\n' \
    "$(member compatible)" "$(member version)"
  ;;
"install "*)
  bundle=$2
  printf 'installing\n  0%% Installing\n 20%% Determining slot states done.\n 20%% Checking bundle\n'
  fault=
  verify 2>/dev/null || true
  if [ -z "$fault" ] && [ "$(member compatible)" != "$compatible" ]; then
    fault="Installation error: Compatible mismatch: Expected '$compatible' but bundle manifest has '$(member compatible)'"
  fi
  if [ -z "$fault" ]; then
    printf ' 60%% Checking manifest contents done.\n 80%% Updating slots\n'
    echo bad >"$folder/$other.state"
    fault=$(kept break "")
  fi
  if [ -n "$fault" ]; then
    printf '100%% Installing failed.\nLastError: %s\nidle\n' "$fault"
    echo "Installing \`$bundle\` failed" >&2
    exit 1
  fi
  echo $(($(kept $other.count 0) + 1)) >"$folder/$other.count"
  member version >"$folder/$other.version"
  echo good >"$folder/$other.state"
  echo $other >"$folder/primary"
  printf ' 99%% Updating slots done.\n100%% Installing done.\nidle\n'
  echo "Installing \`$bundle\` succeeded"
  ;;
*)
  echo "stand-in: unknown: $*" >&2
  exit 1
  ;;
esac
