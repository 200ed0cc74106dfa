#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest whose host is tests/bench/founding.py: four kinds of interface, two of each, in namespaces KIND0 and KIND1 with the
# name nic; iperf3 from KIND0 to KIND1. The host says what to do, a command a line, and is answered with a line that begins with @:
#
#	set KIND FEATURES...   ethtool -K of both                                                                     @set
#	begin KIND             a stream begins; it is under way when this is answered                               @begun
#	count KIND             bytes received, and how long all processors were busy, in USER_HZ     @counted BYTES TICKS
#	counters KIND          ethtool -S of both and more, to $RESULTS/counters-NUMBER: to look into what it did  @counters
#	end                    the stream ends                                                                      @ended
#	quit                   the job ends
#
# What cannot be done is answered with @failed and, before it, why. $KINDS: of /job/settings.sh, as "weir:10.1.0 e1000e:10.2.0".
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

PORT=5201

# interfaces_of DRIVER: the names of the interfaces that a driver of PCI or virtio functions has, by their addresses
interfaces_of() {
	for interface in /sys/bus/*/drivers/"$1"/*/net/*; do
		[ ! -e "$interface" ] || echo "${interface##*/}"
	done
}

# pair_of KIND: two new interfaces
pair_of() {
	case $1 in
	veth)
		ip link add left type veth peer name right && echo left right
		;;
	weir)
		load_drivers >/dev/null && ip link set dev pf up && set_vfs 2 && wait_until 10 netdev_of "$(vf_address 1)" >/dev/null || return 1
		echo "$(netdev_of "$(vf_address 0)") $(netdev_of "$(vf_address 1)")"
		;;
	virtio)
		modprobe virtio_pci && modprobe virtio_net && interfaces_of virtio_net
		;;
	*)
		modprobe "$1" && interfaces_of "$1"
		;;
	esac
}

# place KIND NETWORK INTERFACES...: into their namespaces, up, with addresses; an iperf3 server waits at the second
place() {
	place_kind=$1 place_network=$2 place_number=0
	shift 2
	[ $# = 2 ] || {
		echo "$place_kind: two interfaces are wanted: $*"
		return 1
	}
	for place_interface; do
		ip netns add "$place_kind$place_number" && ip link set dev "$place_interface" down &&
			ip link set dev "$place_interface" netns "$place_kind$place_number" name nic || return 1
		ip -n "$place_kind$place_number" link set dev lo up
		ip -n "$place_kind$place_number" address add "$place_network.$((place_number + 1))/24" dev nic
		ip -n "$place_kind$place_number" link set dev nic up || return 1
		place_number=$((place_number + 1))
	done
	wait_until 20 carrier_in "${place_kind}0" nic && wait_until 20 carrier_in "${place_kind}1" nic || return 1
	wait_until 20 ip netns exec "${place_kind}0" ping -q -c 1 -w 3 "$place_network.2" >/dev/null && serve_iperf "${place_kind}1" "$PORT"
}

network_of() {
	for network_entry in $KINDS; do
		[ "${network_entry%%:*}" != "$1" ] || echo "${network_entry#*:}"
	done
}

begin() {
	ip netns exec "${1}0" iperf3 -c "$(network_of "$1").2" -p "$PORT" -t 3600 >/tmp/iperf.out 2>&1 </dev/null &
	stream=$!
	wait_until 10 carries "$1" && return 0
	cat /tmp/iperf.out
	return 1
}

# received KIND: bytes that the longest stream to KIND1 has brought
received() {
	ip netns exec "${1}1" ss -tinHO "sport = :$PORT" | sed -n 's/.* bytes_received:\([0-9]*\).*/\1/p' | sort -n | tail -n 1
}

carries() {
	[ "$(received "$1")" -gt 100000 ] 2>/dev/null
}

count() {
	received_bytes=$(received "$1")
	read -r _ user nice system _ _ irq softirq _ </proc/stat
	echo "@counted $received_bytes $((user + nice + system + irq + softirq))"
}

end() {
	kill "$stream" 2>/dev/null
	wait "$stream"
	return 0
}

set_features() {
	for side in 0 1; do
		# shellcheck disable=SC2086 # features and what each shall be
		ip netns exec "${1}$side" ethtool -K nic $2 || return 1
	done
}

counters() {
	for side in 0 1; do
		ip netns exec "$1$side" ethtool -S nic
		ip netns exec "$1$side" cat /proc/net/netstat /proc/net/snmp
	done
	cat /proc/interrupts /proc/softirqs /proc/net/softnet_stat
}

number=0
for entry in $KINDS; do
	kind=${entry%%:*}
	# shellcheck disable=SC2046 # two words
	place "$kind" "${entry#*:}" $(pair_of "$kind") || {
		echo "@failed $kind"
		exit 1
	}
done
echo "@ready"
while read -r command argument rest; do
	case $command in
	set)
		set_features "$argument" "$rest" && echo "@set" || echo "@failed $command $argument"
		;;
	begin) begin "$argument" && echo "@begun" || echo "@failed $command $argument" ;;
	count) count "$argument" ;;
	counters)
		number=$((number + 1))
		counters "$argument" >"$RESULTS/counters-$number" 2>&1
		echo "@counters"
		;;
	end) end && echo "@ended" ;;
	quit) break ;;
	*) echo "@failed $command" ;;
	esac
done
end_iperf
exit 0
