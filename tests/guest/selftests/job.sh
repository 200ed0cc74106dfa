#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir, and a disk with Debian 13: the kernel's own tests of network drivers, on the PF or on a VF. The other
# end is a VF in a namespace of its own. What the tests print goes out as it is, between lines of ours that selftests.py reads:
#
#	== begin PROGRAM          then what it prints
#	== end PROGRAM STATUS
#
# shellcheck disable=SC2154,SC2086 # what /job/wanted sets; lists of words among it
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/wanted # FUNCTION: pf or vf; PROGRAMS, each with its arguments behind commas; LIMIT_S: seconds for each

root=/debian
tests=/mnt/tools/testing/selftests/drivers/net

# the interface under test, which stays here and is named dut. The addresses are none of those that the tests give their tunnels.
prepare_function() {
	load_drivers && set_vfs 2 && place_vf 0 198.51.100.2/24 || return 1
	if [ "$FUNCTION" = vf ]; then
		place_pf 10.9.0.100/24 || return 1
		wait_until 5 netdev_of "$(vf_address 1)" >/dev/null || return 1
		under_test=$(netdev_of "$(vf_address 1)")
	else
		under_test=pf
	fi
	ip link set dev "$under_test" down && ip link set dev "$under_test" name dut && ip link set dev dut up || return 1
	# Some tests take it down and up again, and do not expect its addresses to go by that.
	echo 1 >/proc/sys/net/ipv6/conf/dut/keep_addr_on_down
	ip address add 198.51.100.1/24 dev dut && ip address add fd57::1/64 dev dut nodad || return 1
	ip -n v0 address add fd57::2/64 dev vf nodad && wait_until 5 carrier_in - dut || return 1
	# More than the guest's processors have it begin with: some tests want three.
	ethtool -L dut combined 4 && wait_until 5 carrier_in - dut || return 1
	reaches 0 198.51.100.1 && reaches 0 fd57::1
}

prepare_root() {
	mkdir -p $root && mount -t ext4 -o ro /dev/vda $root || return 1
	for folder in dev proc run sys tmp; do
		mount --rbind /$folder $root/$folder || return 1
	done
	mount --bind /selftests $root/mnt
}

# In this turn: the namespace is to be seen below the other root, too.
if ! prepare_function || ! prepare_root; then
	echo "== nothing to test"
	exit 1
fi
for words in $PROGRAMS; do
	program=${words%%,*}
	arguments=$(echo "${words#"$program"}" | tr , ' ')
	echo "== begin $program"
	chroot $root env PATH=/usr/sbin:/usr/bin HOME=/root LANG=C.UTF-8 NO_COLOR=1 NETIF=dut LOCAL_V4=198.51.100.1 REMOTE_V4=198.51.100.2 \
		LOCAL_V6=fd57::1 REMOTE_V6=fd57::2 REMOTE_TYPE=netns REMOTE_ARGS=v0 \
		timeout -k 10 "$LIMIT_S" python3 "$tests/$program.py" $arguments
	echo "== end $program $?"
done
