#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The source of the installed qemu-system-x86, whose headers the QEMU card is compiled against (QEMU installs none):
#   build/deps/qemu/src   the source as Debian patched it
#   build/deps/qemu/gen   what QEMU's build would generate: gen/qapi/qapi-types-….h
set -euo pipefail
cd "$(dirname "$0")/.."
. deps/debian-source.sh

folder=build/deps/qemu
if ! unpack_source_of qemu-system-x86 "$folder"; then
	exit 0
fi
# Firmware and test images that nobody compiles against here
rm -rf "$folder"/src.new/{roms,pc-bios,tests}
/usr/bin/python3 "$folder/src.new/scripts/qapi-gen.py" -o "$folder/gen/qapi" -b "$folder/src.new/qapi/qapi-schema.json"
finish_source "$folder"
