#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir. VF 0 sends, VF 1 receives, and its table leads everything to queue 0: what is found in others got there
# by a filter of tc's that the card has.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null # PART: short, rest or all of the tests
. /job/settings.sh

# short NAME COMMAND..., rest NAME COMMAND...: tests of that part
short() {
	[ "$PART" = rest ] || tap_run "$@"
}
rest() {
	[ "$PART" = short ] || tap_run "$@"
}

prepare() {
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	for number in 0 1; do
		host=$((number + 1))
		ip -n "v$number" address add "2001:db8::$host/64" dev vf nodad &&
			ip -n "v$number" link add link vf name vf.5 type vlan id 5 egress-qos-map 0:3 && ip -n "v$number" link set dev vf.5 up &&
			ip -n "v$number" address add "10.9.5.$host/24" dev vf.5 &&
			ip -n "v$number" link add vx7 type vxlan id 7 local "10.9.0.$host" remote "10.9.0.$((3 - host))" dstport 4789 dev vf &&
			ip -n "v$number" link set dev vx7 up && ip -n "v$number" address add "10.9.7.$host/24" dev vx7 || return 1
	done
	in_vf 1 ethtool -L vf combined 4 && wait_until 5 carrier_in v1 vf && in_vf 1 ethtool -X vf start 0 equal 1 && serve_iperf v1 5001 || return 1
	reaches 0 10.9.0.2 && reaches 0 10.9.5.2 && reaches 0 10.9.7.2
}
tap_run guest.flower.two_functions_are_ready prepare

# fresh COMMAND...: runs a test with an empty qdisc, and takes that away
fresh() {
	in_vf 1 tc qdisc del dev vf ingress 2>/dev/null
	in_vf 1 tc qdisc add dev vf ingress && "$@" && in_vf 1 tc qdisc del dev vf ingress
}

# add PREF PROTOCOL FLOWER...: a filter that the card alone has
add() {
	add_pref=$1 add_protocol=$2
	shift 2
	in_vf 1 tc filter add dev vf ingress pref "$add_pref" protocol "$add_protocol" flower skip_sw "$@"
}
# refused WHY PREF PROTOCOL FLOWER...: add says that
refused() {
	refused_why=$1
	shift
	fails_saying "$refused_why" add "$@"
}
# delete PREF
delete() {
	in_vf 1 tc filter del dev vf ingress pref "$1"
}
# shows PREF WORDS: extended expression in what tc says of a filter
shows() {
	says "$2" in_vf 1 tc -s filter show dev vf ingress pref "$1"
}

rules_are() {
	says "Total $1 rules" in_vf 1 ethtool -n vf
}

# udp QUEUE [SOURCE-PORT [DESTINATION SOURCE]]
udp() {
	lands "$1" "${4:-10.9.0.1}" "${2:-6000}" "${3:-10.9.0.2}" 5001
}
pings() {
	queue_gets "$1" "pings to $2" in_vf 0 ping -q -f -c 250 -w 20 "$2"
}

flows() {
	udp 0 && add 10 ip ip_proto udp src_port 6000 dst_port 5001 hw_tc 3 && udp 3 && udp 0 6001 && shows 10 'in_hw in_hw_count 1' && delete 10 && udp 0 || return 1
	add 10 ipv6 ip_proto udp src_ip 2001:db8::1 dst_port 5001 hw_tc 2 && udp 2 6000 2001:db8::2 2001:db8::1 && udp 0 && delete 10 || return 1
	add 10 ip ip_proto icmp dst_ip 10.9.0.2 hw_tc 1 && pings 1 10.9.0.2 && pings 0 2001:db8::2 && delete 10 || return 1
	# Masks
	add 10 ip ip_proto udp dst_port 5000/0xfff0 src_ip 10.9.0.0/24 hw_tc 2 && udp 2 && delete 10
}
short guest.flower.flows_come_to_the_queue_of_their_filter fresh flows

ethernet() {
	add 10 ipv6 hw_tc 2 && pings 2 2001:db8::2 && pings 0 10.9.0.2 && delete 10 || return 1
	add 10 all src_mac "$(mac_of 0)" dst_mac "$(mac_of 1)" hw_tc 1 && pings 1 10.9.0.2 && delete 10 || return 1
	# A filter for IP is about frames without a tag, one for tags says what is behind.
	add 10 802.1q vlan_id 5 vlan_prio 3 vlan_ethtype ip hw_tc 3 && add 20 ip hw_tc 1 && pings 3 10.9.5.2 && pings 1 10.9.0.2 && delete 10 && pings 0 10.9.5.2 || return 1
	delete 20 && add 10 802.1q vlan_id 6 hw_tc 3 && pings 0 10.9.5.2 && delete 10
}
rest guest.flower.addresses_types_and_vlans_decide_too fresh ethernet

tunnels() {
	add 10 ip enc_key_id 7 enc_dst_port 4789 hw_tc 2 && pings 2 10.9.7.2 && pings 0 10.9.0.2 && delete 10 && add 10 ip enc_key_id 8 enc_dst_port 4789 hw_tc 2 &&
		pings 0 10.9.7.2 && delete 10
}
rest guest.flower.a_tunnels_network_decides_too fresh tunnels

# Ten pings of 142 bytes and their ends: what the card has counted, and when tc has seen it last.
counts() {
	add 10 ip ip_proto icmp hw_tc 1 action ok && shows 10 'Sent hardware 0 bytes 0 pkt|Sent 0 bytes 0 pkt' || return 1
	in_vf 0 ping -q -c 10 -i 0.1 -s 100 10.9.0.2 >/dev/null && shows 10 'Sent hardware 1420 bytes 10 pkt' && shows 10 'used [0-2] sec' || return 1
	# What replaces it begins anew, at once; nothing of a reset is lost, or counted twice.
	in_vf 1 tc filter replace dev vf ingress pref 10 handle 1 protocol ip flower skip_sw ip_proto icmp action drop && stranger 0 10.9.0.2 &&
		shows 10 'Sent hardware 196 bytes 2 pkt' && shows 10 'dropped 2' || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf && stranger 0 10.9.0.2 &&
		shows 10 'Sent hardware 392 bytes 4 pkt' && says 'vport_rx_dropped_by_rule: [1-9]' in_vf 1 ethtool -S vf && delete 10 && reaches 0 10.9.0.2
}
short guest.flower.frames_and_bytes_are_the_cards fresh counts

order() {
	add 20 ip ip_proto udp hw_tc 1 && add 30 ip hw_tc 2 && udp 1 && pings 2 10.9.0.2 || return 1
	add 10 ip ip_proto udp dst_port 5001 hw_tc 3 && udp 3 && add 25 ip src_ip 10.9.0.1 hw_tc 0 && pings 0 10.9.0.2 && udp 3 && delete 10 && udp 1 || return 1
	# "ok" ends it, and leads nowhere.
	add 15 ip ip_proto udp src_port 6000 action ok && udp 0 && udp 1 6001 || return 1
	# Rules of ethtool -N come first.
	in_vf 1 ethtool -N vf flow-type udp4 src-port 6000 action 3 loc 500 && udp 3 && rules_are 1 && in_vf 1 ethtool -N vf delete 500 &&
		rules_are 0 && udp 0
}
short guest.flower.the_least_pref_wins_behind_ethtools_rules fresh order

# Prefs in an order in which there is no location between: each new one goes right before the last.
between() {
	add 1 ip ip_proto udp src_port 7000 hw_tc 1 && add 40000 ip ip_proto udp hw_tc 1 || return 1
	pref=20000
	while [ "$pref" -gt 19980 ]; do
		add "$pref" ip ip_proto udp src_port $((7000 + pref)) hw_tc 1 || return 1
		pref=$((pref - 1))
	done
	add 19979 ip ip_proto udp dst_port 5001 hw_tc 3 && udp 3 && delete 19979 && udp 1 && add 19990 ip ip_proto udp src_port 6000 hw_tc 2 && udp 2
}
rest guest.flower.there_is_room_between_two_filters fresh between

marks() {
	ip -n v1 rule add pref 5 fwmark 7 blackhole && ip -n v1 rule add pref 10 lookup local && ip -n v1 rule del pref 0 && reaches 0 10.9.0.2 || return 1
	add 10 ip ip_proto icmp hw_tc 1 action skbedit mark 7 && stranger 0 10.9.0.2 && delete 10 && add 10 ip ip_proto icmp hw_tc 1 action skbedit mark 8 && pings 1 10.9.0.2 &&
		ip -n v1 rule add pref 0 lookup local && ip -n v1 rule del pref 5
}
rest guest.flower.a_mark_is_told_to_the_stack fresh marks

nonsense() {
	refused 'ranges of ports' 10 ip ip_proto udp dst_port 1-9 action drop && refused 'tcp_flags' 10 ip ip_proto tcp tcp_flags 2 action drop &&
		refused 'ip_ttl' 10 ip ip_ttl 64 action drop && refused 'ip_flags' 10 ip ip_flags frag action drop && refused 'ICMP' 10 ip ip_proto icmp type 8 action drop &&
		refused 'ARP' 10 arp arp_op request action drop && refused 'outermost' 10 802.1q vlan_id 5 vlan_ethtype 802.1q cvlan_id 6 action drop || return 1
	refused 'src_ip and dst_ip' 10 ip enc_src_ip 10.9.0.1 enc_key_id 7 enc_dst_port 4789 action drop && refused 'needs enc_dst_port' 10 ip enc_key_id 7 action drop &&
		refused 'VXLAN at 4789' 10 ip enc_key_id 7 enc_dst_port 4790 action drop || return 1
	refused 'no such queue' 10 ip hw_tc 4 && refused 'actions are' 10 ip action mirred egress redirect dev lo && refused 'action or hw_tc' 10 ip ip_proto udp &&
		fails_saying 'chain 0' in_vf 1 tc filter add dev vf ingress chain 1 pref 10 protocol ip flower skip_sw action drop && refused '.' 10 ip action pass hw_stats delayed || return 1
	add 10 ip ip_proto udp action drop && refused 'another pref' 20 ip ip_proto udp hw_tc 1 && refused '.' 10 ip ip_proto udp hw_tc 1 && shows 10 'in_hw' || return 1
	in_vf 1 ethtool -N vf flow-type udp4 dst-port 9 action 1 loc 1 && in_vf 1 ethtool -N vf delete 1 || return 1
	# The switch (ethtool repeats no wish that was refused), and sixteen masks
	fails_saying 'Could not' in_vf 1 ethtool -K vf hw-tc-offload off && delete 10 && in_vf 1 ethtool -K vf hw-tc-offload on && in_vf 1 ethtool -K vf hw-tc-offload off && refused 'disabled' 10 ip action drop &&
		in_vf 1 ethtool -K vf hw-tc-offload on || return 1
	for bits in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		add "$bits" ip src_ip "10.0.0.0/$bits" hw_tc 1 || return 1
	done
	refused 'different masks' 17 ip src_ip 10.0.0.0/17 hw_tc 1
}
short guest.flower.what_the_card_cannot_do_is_refused fresh nonsense

# What the card cannot look at is left to software unless it is for the card alone.
software() {
	in_vf 1 tc filter add dev vf ingress pref 10 protocol ip flower ip_ttl 64 action drop && shows 10 'not_in_hw' && stranger 0 10.9.0.2 && delete 10 || return 1
	dropped=$(statistic 1 vport_rx_dropped_by_rule)
	in_vf 1 tc filter add dev vf ingress pref 10 protocol ip flower skip_hw ip_proto icmp action drop && shows 10 'not_in_hw' && stranger 0 10.9.0.2 &&
		[ "$(statistic 1 vport_rx_dropped_by_rule)" = "$dropped" ] && delete 10 || return 1
	in_vf 1 tc filter add dev vf ingress pref 10 protocol ip flower ip_proto icmp action drop && shows 10 'in_hw' && stranger 0 10.9.0.2 &&
		shows 10 'Sent hardware 196 bytes 2 pkt' && shows 10 'Sent software 0 bytes 0 pkt' && delete 10 && reaches 0 10.9.0.2
}
rest guest.flower.software_has_what_the_card_has_not fresh software

survive() {
	add 10 ip ip_proto udp dst_port 5001 hw_tc 3 || return 1
	ip -n v1 link set dev vf down && add 5 ip ip_proto udp src_port 6001 hw_tc 2 && add 1 ip ip_proto udp action drop && delete 1 && ip -n v1 link set dev vf up &&
		wait_until 5 carrier_in v1 vf && udp 3 && udp 2 6001 || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf && udp 3 && udp 2 6001 || return 1
	# A queue that a filter names cannot be taken away.
	fails_saying '.' in_vf 1 ethtool -L vf combined 3 && in_vf 1 ethtool -L vf combined 5 && wait_until 5 carrier_in v1 vf && udp 3 || return 1
	in_vf 1 tc qdisc del dev vf ingress && udp 0 && udp 0 6001 && in_vf 1 ethtool -L vf combined 4 && wait_until 5 carrier_in v1 vf || return 1
	# clsact is as good.
	in_vf 1 tc qdisc add dev vf clsact && add 10 ip ip_proto udp hw_tc 2 && udp 2 && in_vf 1 tc qdisc del dev vf clsact && udp 0 && in_vf 1 tc qdisc add dev vf ingress
}
rest guest.flower.filters_outlive_stop_and_reset_and_go_with_their_qdisc fresh survive

# As many as a VF may have, of one pref; a further one is refused, and after one has gone there is room.
full() {
	seq 512 | sed 's/.*/filter add dev vf ingress pref 10 handle & protocol ip flower skip_sw ip_proto udp src_port & hw_tc 1/' >/tmp/batch
	in_vf 1 tc -batch /tmp/batch && refused 'no room' 10 ip ip_proto udp src_port 6000 hw_tc 2 && udp 0 || return 1
	in_vf 1 tc filter del dev vf ingress pref 10 handle 17 protocol ip flower && add 10 ip ip_proto udp src_port 6000 hw_tc 2 && udp 2
}
rest guest.flower.a_full_table_says_so fresh full

queue_mapping() {
	add 10 ip ip_proto udp action skbedit queue_mapping 3 skip_sw && udp 3 && delete 10 && add 10 ip ip_proto icmp action skbedit mark 8 pipe action skbedit queue_mapping 2 skip_sw &&
		pings 2 10.9.0.2 && refused 'no such queue' 20 ip ip_proto udp action skbedit queue_mapping 4 skip_sw
}
# Linux offloads it from 6.2 on.
case $(uname -r) in
6.1.*) ;;
*) rest guest.flower.skbedit_names_a_queue fresh queue_mapping ;;
esac

pf_too() {
	tc qdisc add dev pf ingress && tc filter add dev pf ingress pref 10 protocol ip flower skip_sw ip_proto icmp src_ip 10.9.0.1 action drop || return 1
	stranger 0 10.9.0.100 && reaches 1 10.9.0.100 && says 'Sent hardware 196 bytes 2 pkt' tc -s filter show dev pf ingress && tc qdisc del dev pf ingress && reaches 0 10.9.0.100
}
rest guest.flower.the_pf_has_it_too pf_too

# The driver goes while the card has filters.
unbound() {
	unbound_address=$(vf_address 1)
	in_vf 1 tc qdisc replace dev vf ingress && add 10 ip ip_proto udp hw_tc 1 && set_attribute "/sys/bus/pci/devices/$unbound_address/driver/unbind" "$unbound_address" 
}
short guest.flower.filters_go_with_the_driver unbound
tap_done
