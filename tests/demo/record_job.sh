#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Records what real stacks in namespaces send: a client that talks to four stations, two of them with one MAC in two VLANs. In
# a guest, since not every host's kernel has VLAN interfaces. STATIONS: "MAC,VLAN ..." (VLAN 0: untagged).
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
set -e

ip netns add client
ip link add br0 type bridge
ip link set br0 up

# plug NAMESPACE NUMBER: an interface eth0 there, on the bridge
plug() {
	ip link add "p$2" type veth peer name eth0 netns "$1"
	ip link set "p$2" master br0 up
	ip -n "$1" link set lo up
	# Frames as they go over a wire: whole checksums, none longer than the MTU.
	ip netns exec "$1" ethtool -K eth0 tx off tso off gso off gro off >/dev/null
	ip netns exec "$1" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
	ip -n "$1" link set eth0 up
}

# address NAMESPACE VLAN ADDRESS: gives it, on eth0 or a VLAN interface above it
address() {
	device=eth0
	if [ "$2" != 0 ]; then
		device=eth0.$2
		[ -e "/sys/class/net/$device" ] || ip -n "$1" link add link eth0 name "$device" type vlan id "$2"
		ip netns exec "$1" sysctl -qw "net.ipv6.conf.eth0/$2.disable_ipv6=1"
		ip -n "$1" link set "$device" up
	fi
	ip -n "$1" addr add "$3/24" dev "$device"
}

plug client 0
number=0
for station in $STATIONS; do
	number=$((number + 1))
	vlan=${station#*,}
	ip netns add "s$number"
	plug "s$number" $number
	ip -n "s$number" link set eth0 address "${station%,*}"
	address "s$number" "$vlan" "10.58.$vlan.$((10 + number))"
	ip -n client -4 -br addr show | grep -q "10.58.$vlan.1/" || address client "$vlan" "10.58.$vlan.1"
	ip netns exec "s$number" iperf3 -s -D
done
sleep 1
ip netns exec client tcpdump -q -U -i eth0 -Q out -w "$RESULTS/stacks.pcap" 2>/dev/null &
recorder=$!
sleep 1
number=0
for station in $STATIONS; do
	number=$((number + 1))
	peer=10.58.${station#*,}.$((10 + number))
	ip netns exec client ping -q -c 5 -i 0.1 -s 400 "$peer"
	ip netns exec client iperf3 -c "$peer" -n 200K -M 1000 >/dev/null
done
sleep 1
kill -INT $recorder
wait $recorder
