#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir. VF 0 sends, VF 1 receives, and its table leads everything to queue 0: what is found in others got there
# by a rule.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

QUEUES=4
prepare() {
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	ip -n v0 address add 2001:db8::1/64 dev vf nodad && ip -n v1 address add 2001:db8::2/64 dev vf nodad || return 1
	for number in 0 1; do
		ip -n "v$number" link add link vf name vf.5 type vlan id 5 && ip -n "v$number" link set dev vf.5 up &&
			ip -n "v$number" address add "10.9.5.$((number + 1))/24" dev vf.5 || return 1
	done
	in_vf 1 ethtool -L vf combined "$QUEUES" && wait_until 5 carrier_in v1 vf && in_vf 1 ethtool -X vf start 0 equal 1 || return 1
	for port in 5001 5002 5003; do
		serve_iperf v1 "$port" || return 1
	done
	reaches 0 10.9.0.2
}
tap_run guest.steering.two_functions_are_ready prepare

# fresh COMMAND...: runs a test without rules that one before it may have left behind
fresh() {
	forget && "$@"
}

# rule WHAT...: a rule of VF 1; this ethtool says what went wrong, but ends as if it had gone well
rule() {
	rule_output=$(in_vf 1 ethtool -N vf "$@" 2>&1)
	case $rule_output in
	*rror* | *annot* | *nvalid* | *upported*)
		printf '%s: %s\n' "$*" "$rule_output"
		return 1
		;;
	esac
}
refused() {
	if rule "$@" >/tmp/refused; then
		echo "taken: $*"
		return 1
	fi
}
forget() {
	for location in $(in_vf 1 ethtool -n vf | sed -n 's/^Filter: //p'); do
		rule delete "$location" || return 1
	done
}
rules_are() {
	says "Total $1 rules" in_vf 1 ethtool -n vf
}

udp() {
	lands "$1" "${2:-10.9.0.1}" "${3:-6000}" "${4:-10.9.0.2}" "${5:-5001}"
}
tcp() {
	queue_gets "$1" "TCP to $2" in_vf 0 iperf3 --connect-timeout 5000 -n 1M -M 1000 -c 10.9.0.2 -p "$2"
}
pings() {
	queue_gets "$1" "pings to $2" in_vf 0 ping -q -f -c 250 -w 20 "$2"
}

each_kind_of_flow() {
	udp 0 && rule flow-type udp4 dst-port 5001 action 3 loc 10 && udp 3 && udp 0 10.9.0.1 6000 10.9.0.2 5002 && forget || return 1
	rule flow-type udp4 src-ip 10.9.0.1 dst-ip 10.9.0.2 src-port 6001 dst-port 5001 action 2 loc 10 && udp 2 10.9.0.1 6001 && udp 0 && forget || return 1
	rule flow-type tcp4 dst-port 5001 action 1 && tcp 1 5001 && tcp 0 5002 && udp 0 && forget || return 1
	rule flow-type udp6 src-ip 2001:db8::1 dst-port 5002 action 3 && udp 3 2001:db8::1 6000 2001:db8::2 5002 && udp 0 && forget || return 1
	rule flow-type ip4 l4proto 1 action 2 && pings 2 10.9.0.2 && pings 0 2001:db8::2 && forget || return 1
	rule flow-type ip6 l4proto 58 action 3 && pings 3 2001:db8::2 && pings 0 10.9.0.2 && forget || return 1
	rule flow-type ip4 l4proto 17 l4data 0x17701389 action 1 && udp 1 && udp 0 10.9.0.1 6001 && forget
}
tap_run guest.steering.flows_of_each_kind_come_to_the_queue_of_their_rule fresh each_kind_of_flow

ethernet() {
	rule flow-type ether proto 0x86dd action 2 && pings 2 2001:db8::2 && pings 0 10.9.0.2 && forget || return 1
	rule flow-type ether src "$(mac_of 0)" action 1 && pings 1 10.9.0.2 && forget || return 1
	rule flow-type udp4 dst-port 5001 dst-mac "$(mac_of 1)" action 3 && udp 3 && forget || return 1
	rule flow-type udp4 dst-port 5001 dst-mac "$(mac_of 0)" action 3 && udp 0 && forget || return 1
	rule flow-type ether vlan 5 m 0xf000 action 3 && pings 3 10.9.5.2 && pings 0 10.9.0.2 && forget || return 1
	rule flow-type ip4 src-ip 10.9.5.1 vlan 6 m 0xf000 action 3 && pings 0 10.9.5.2 && forget
}
tap_run guest.steering.addresses_types_and_vlans_decide_too fresh ethernet

masks() {
	# A mask says what does not count.
	rule flow-type ip4 src-ip 10.9.0.0 m 0.0.0.255 action 2 && pings 2 10.9.0.2 && pings 0 10.9.5.2 && forget || return 1
	rule flow-type udp4 dst-port 5000 m 0x000f action 1 && udp 1 && udp 1 10.9.0.1 6000 10.9.0.2 5002 && forget
}
tap_run guest.steering.what_a_mask_leaves_out_does_not_count fresh masks

least_wins() {
	rule flow-type udp4 action 1 loc 20 && rule flow-type udp4 dst-port 5001 action 2 loc 10 && rule flow-type udp4 src-port 6000 action 3 loc 30 || return 1
	udp 2 && udp 1 10.9.0.1 6000 10.9.0.2 5002 && rule delete 10 && udp 1 && rule delete 20 && udp 3 || return 1
	# In place of the one that is there
	rule flow-type udp4 src-port 6000 action 1 loc 30 && rules_are 1 && udp 1 && rule flow-type udp4 dst-port 5002 action 2 loc 30 && rules_are 1 && udp 0 && forget
}
tap_run guest.steering.of_several_rules_the_least_location_wins fresh least_wins

drops() {
	rule flow-type ip4 l4proto 1 src-ip 10.9.0.1 action -1 && stranger 0 10.9.0.2 && udp 0 && pings 0 2001:db8::2 || return 1
	says 'vport_rx_dropped_by_rule: [1-9]' in_vf 1 ethtool -S vf && forget && reaches 0 10.9.0.2
}
tap_run guest.steering.a_rule_drops fresh drops

# What is listed is what was said.
listed() {
	rule flow-type udp4 src-ip 192.0.2.0 m 0.0.0.255 dst-port 53 action 3 loc 7 && rule flow-type ether vlan 5 m 0xf000 action -1 && rules_are 2 || return 1
	in_vf 1 ethtool -n vf rule 7 >/tmp/rule
	for words in 'Rule Type: UDP over IPv4' 'Src IP addr: 192.0.2.0 mask: 0.0.0.255' 'Dest port: 53 mask: 0x0' 'Action: Direct to queue 3'; do
		grep -q "$words" /tmp/rule || {
			echo "not found: $words"
			cat /tmp/rule
			return 1
		}
	done
	# The place that is chosen where the user names none is behind all others.
	says 'Filter: 511' in_vf 1 ethtool -n vf && says 'Action: Drop' in_vf 1 ethtool -n vf rule 511 && says 'VLAN: 0x5 mask: 0xf000' in_vf 1 ethtool -n vf rule 511 || return 1
	forget && rules_are 0
}
tap_run guest.steering.rules_are_listed_as_they_were_said fresh listed

nonsense() {
	refused flow-type udp4 dst-port 1 action 4 && refused flow-type udp4 dst-port 1 action 0x100000001 && refused flow-type esp4 spi 1 action 1 &&
		refused flow-type ip4 l4data 1 action 1 && refused flow-type udp4 dst-port 1 user-def 9 action 1 && refused flow-type udp4 action 1 loc 512 || return 1
	rule flow-type udp4 dst-port 1 action 1 && refused flow-type udp4 dst-port 1 action 2 loc 3 && refused delete 3 && rules_are 1 && forget || return 1
	dmesg | grep -q 'steering rule refused: there is no such queue' && dmesg | grep -q 'steering rule refused: flow types are'
}
tap_run guest.steering.what_the_card_cannot_do_is_refused fresh nonsense

survive() {
	rule flow-type udp4 dst-port 5001 action 3 loc 1 || return 1
	ip -n v1 link set dev vf down && rule flow-type udp4 dst-port 5002 action 2 loc 2 && rule flow-type udp4 action 1 loc 3 && rule delete 3 &&
		ip -n v1 link set dev vf up && wait_until 5 carrier_in v1 vf && udp 3 && udp 2 10.9.0.1 6000 10.9.0.2 5002 || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf || return 1
	udp 3 && udp 2 10.9.0.1 6000 10.9.0.2 5002 || return 1
	# A queue that a rule names cannot be taken away.
	fails_saying '.' in_vf 1 ethtool -L vf combined 3 && in_vf 1 ethtool -L vf combined 6 && wait_until 5 carrier_in v1 vf && udp 3 || return 1
	rule delete 1 && in_vf 1 ethtool -L vf combined 3 && wait_until 5 carrier_in v1 vf && udp 0 && udp 2 10.9.0.1 6000 10.9.0.2 5002 || return 1
	in_vf 1 ethtool -K vf ntuple off && rules_are 0 && udp 0 10.9.0.1 6000 10.9.0.2 5002 && refused flow-type udp4 action 1 && in_vf 1 ethtool -K vf ntuple on &&
		rule flow-type udp4 action 1 && udp 1 && forget
}
tap_run guest.steering.rules_outlive_stop_reset_and_change_of_queues fresh survive

contexts() {
	in_vf 1 ethtool -L vf combined "$QUEUES" && wait_until 5 carrier_in v1 vf || return 1
	says 'RSS context is 1' in_vf 1 ethtool -X vf context new start 3 equal 1 && says 'RSS context is 2' in_vf 1 ethtool -X vf context new start 1 equal 1 || return 1
	rule flow-type udp4 dst-port 5001 context 1 loc 1 && rule flow-type udp4 dst-port 5002 context 2 loc 2 || return 1
	udp 3 && udp 1 10.9.0.1 6000 10.9.0.2 5002 && udp 0 10.9.0.1 6000 10.9.0.2 5003 || return 1
	says 'RSS Context ID: 1' in_vf 1 ethtool -n vf rule 1 && says '^ *0: +3 +3' in_vf 1 ethtool -x vf context 1 && says '^ *0: +0 +0' in_vf 1 ethtool -x vf || return 1
	in_vf 1 ethtool -X vf context 1 start 2 equal 1 && udp 2 || return 1
	# In use, not there, too many
	fails_saying '.' in_vf 1 ethtool -X vf context 1 delete && fails_saying '.' in_vf 1 ethtool -X vf context 5 start 0 equal 1 && refused flow-type udp4 context 5 || return 1
	fails_saying '.' in_vf 1 ethtool -L vf combined 2 || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf && udp 2 && udp 1 10.9.0.1 6000 10.9.0.2 5002 || return 1
	forget && in_vf 1 ethtool -X vf context 1 delete && in_vf 1 ethtool -X vf context 2 delete && fails_saying '.' in_vf 1 ethtool -X vf context 2 delete && udp 0 || return 1
	for number in 1 2 3 4 5 6 7 8; do
		says "RSS context is $number" in_vf 1 ethtool -X vf context new start 0 equal 1 || return 1
	done
	fails_saying '.' in_vf 1 ethtool -X vf context new start 0 equal 1
}
tap_run guest.steering.rules_lead_to_contexts fresh contexts

pf_too() {
	ethtool -N pf flow-type tcp6 dst-port 80 action 0 loc 4000 && says 'Filter: 4000' ethtool -n pf && ethtool -N pf delete 4000 && says 'Total 0 rules' ethtool -n pf
}
tap_run guest.steering.the_pf_has_it_too pf_too
tap_done
