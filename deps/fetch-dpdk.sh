#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The headers of the installed DPDK that drivers need and libdpdk-dev does not ship (ethdev_driver.h, bus_pci_driver.h …):
#   build/deps/dpdk/src/lib, build/deps/dpdk/src/drivers/bus
set -euo pipefail
cd "$(dirname "$0")/.."
. deps/debian-source.sh

folder=build/deps/dpdk
if ! unpack_source_of libdpdk-dev "$folder"; then
	exit 0
fi
find "$folder/src.new" -mindepth 1 -maxdepth 1 ! -name lib ! -name drivers ! -name license -exec rm -rf {} +
find "$folder/src.new/drivers" -mindepth 1 -maxdepth 1 ! -name bus -exec rm -rf {} +
finish_source "$folder"
