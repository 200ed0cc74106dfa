#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest whose card is a running weir-sim's: does what the host says, line by line (attach.py), and says how it went.
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

# mac_for N: the MAC address that VF N, or the PF (N is pf), has in every guest of these tests
mac_for() {
	if [ "$1" = pf ]; then
		echo 02:aa:00:00:00:64
	else
		printf '02:aa:00:00:00:%02x\n' $(($1 + 1))
	fi
}

# know_all N: VF N, or the PF, knows all functions' addresses. testpmd answers ARP for any address: who asked would find it instead.
know_all() {
	where "$1" ip neighbour replace 10.9.0.100 lladdr "$(mac_for pf)" dev "$(interface_of "$1")" nud permanent || return 1
	for known in 0 1 2 3; do
		where "$1" ip neighbour replace "10.9.0.$((known + 1))" lladdr "$(mac_for "$known")" dev "$(interface_of "$1")" nud permanent || return 1
	done
}

# become_pf N...: this guest has the PF; it enables the VFs, and decides the MAC addresses of these
become_pf() {
	load_drivers && set_vfs 4 && ip link set dev pf address "$(mac_for pf)" || return 1
	for become_number; do
		ip link set dev pf vf "$become_number" mac "$(mac_for "$become_number")" || return 1
	done
	place_pf 10.9.0.100/24 && know_all pf
}

# take_vf N: VF N of this guest's card into its namespace
take_vf() {
	place_vf "$1" "10.9.0.$(($1 + 1))/24" && know_all "$1"
}

# become_vf N: this guest has VF N and nothing else of the card; it is where the PF would be and is called pf here, for the functions of net.sh
become_vf() {
	modprobe weirvf && wait_until 5 netdev_of "$PF" && ip link set dev "$(netdev_of "$PF")" name pf || return 1
	ip link set dev pf address "$(mac_for "$1")" && place_pf "10.9.0.$(($1 + 1))/24" && know_all pf
}

# live: what a guest does with its card, until somebody ends it
live() {
	while :; do
		become_pf 0 1 2 && take_vf 0 && take_vf 1 && take_vf 2
		serve_iperf v1 5302
		traffic_begin storm 0 5302 10.9.0.2
		ping -q -i 0.01 -c 300 10.9.0.3
		echo 1 >"$PF_PATH/virtfn0/reset"
		ip netns exec v2 ping -q -i 0.01 -c 300 10.9.0.1
		set_vfs 0
		traffic_end storm
		end_iperf
		rmmod weirvf weir
	done >/tmp/live.out 2>&1
}

# The prompt, then a line of the host's, then the exit status of what it says.
echo "@ready"
[ "$ALONE" = 0 ] || live
while read -r line; do
	# Functions of net.sh among them: they must find their variables again.
	eval "$line" >/tmp/line.out 2>&1
	status=$?
	cat /tmp/line.out
	echo "@done $status"
done
