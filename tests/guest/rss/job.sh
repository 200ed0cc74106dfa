#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir. VF 0 sends, VF 1 receives; the flows, and what they hash to under its key, are those of Microsoft's
# "Verifying the RSS Hash Calculation".
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

KEY=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa
QUEUES=8

# routes N: VF N gets the addresses of its end of the published IPv4 flows, as if they were on this wire, and the ways to the other end
routes() {
	other=$((1 - $1))
	number=$1
	set -- 66.9.149.187 161.142.100.80 199.92.111.2 65.69.140.83 24.19.198.95 12.22.207.184 38.27.205.30 209.142.163.6 \
		153.39.163.191 202.188.127.2
	while [ $# -gt 0 ]; do
		eval "mine=\${$((number + 1))} theirs=\${$((other + 1))}"
		# shellcheck disable=SC2154 # by eval
		ip -n "v$number" address replace "$mine/32" dev vf && ip -n "v$number" route replace "$theirs/32" dev vf src "$mine" || return 1
		shift 2
	done
}
prepare() {
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 || return 1
	routes 0 && routes 1 || return 1
	ip -n v0 address add 3ffe:2501:200:1fff::7/128 dev vf nodad && ip -n v1 address add 3ffe:2501:200:3::1/128 dev vf nodad &&
		ip -n v0 route add 3ffe:2501:200:3::1/128 dev vf && ip -n v1 route add 3ffe:2501:200:1fff::7/128 dev vf || return 1
	in_vf 1 ethtool -L vf combined "$QUEUES" && wait_until 5 carrier_in v1 vf || return 1
	for port in 1766 4739 38024 2217 1303; do
		serve_iperf v1 "$port" || return 1
	done
	reaches 0 10.9.0.2
}
tap_run guest.rss.two_functions_are_ready prepare

# The last seven bits of the hash are the table's entry; the table goes round the queues.
published_flows_land() {
	in_vf 1 ethtool -X vf hkey "$KEY" && says "$KEY" in_vf 1 ethtool -x vf || return 1
	lands $((0x51ccc178 % 128 % QUEUES)) 66.9.149.187 2794 161.142.100.80 1766 &&
		lands $((0xc626b0ea % 128 % QUEUES)) 199.92.111.2 14230 65.69.140.83 4739 &&
		lands $((0x5c2b394a % 128 % QUEUES)) 24.19.198.95 12898 12.22.207.184 38024 &&
		lands $((0xafc7327f % 128 % QUEUES)) 38.27.205.30 48228 209.142.163.6 2217 &&
		lands $((0x10e828a2 % 128 % QUEUES)) 153.39.163.191 44251 202.188.127.2 1303 &&
		lands $((0x40207d3d % 128 % QUEUES)) 3ffe:2501:200:1fff::7 2794 3ffe:2501:200:3::1 1766
}
tap_run guest.rss.microsofts_flows_land_in_their_queues published_flows_land

fields_are_set() {
	says 'L4 bytes 2 & 3' in_vf 1 ethtool -n vf rx-flow-hash udp4 || return 1
	in_vf 1 ethtool -N vf rx-flow-hash udp4 sd && ! says 'L4 bytes' in_vf 1 ethtool -n vf rx-flow-hash udp4 >/dev/null || return 1
	says 'L4 bytes' in_vf 1 ethtool -n vf rx-flow-hash tcp4 && says 'L4 bytes' in_vf 1 ethtool -n vf rx-flow-hash sctp6 || return 1
	lands $((0x82989176 % 128 % QUEUES)) 38.27.205.30 48228 209.142.163.6 2217 || return 1
	# IPv6 is another matter.
	lands $((0x40207d3d % 128 % QUEUES)) 3ffe:2501:200:1fff::7 2794 3ffe:2501:200:3::1 1766 || return 1
	in_vf 1 ethtool -N vf rx-flow-hash udp4 sdfn && lands $((0xafc7327f % 128 % QUEUES)) 38.27.205.30 48228 209.142.163.6 2217
}
tap_run guest.rss.rx_flow_hash_chooses_the_fields fields_are_set
# This ethtool says so, but ends as if it had gone well, with -N.
nonsense_is_refused() {
	says 'Invalid argument' in_vf 1 ethtool -N vf rx-flow-hash udp4 s && says 'Invalid argument' in_vf 1 ethtool -N vf rx-flow-hash tcp6 fn &&
		fails_saying 'upported' in_vf 1 ethtool -X vf hfunc xor && fails_saying 'xceeds|nvalid' in_vf 1 ethtool -X vf equal 9
}
tap_run guest.rss.what_the_card_cannot_do_is_refused nonsense_is_refused

table_decides() {
	in_vf 1 ethtool -X vf start 3 equal 1 && lands 3 66.9.149.187 2794 161.142.100.80 1766 &&
		lands 3 38.27.205.30 48228 209.142.163.6 2217 || return 1
	in_vf 1 ethtool -X vf weight 1 3 && lands 1 66.9.149.187 2794 161.142.100.80 1766
}
tap_run guest.rss.the_users_table_decides table_decides
settings_survive() {
	in_vf 1 ethtool -X vf start 5 equal 1 && in_vf 1 ethtool -N vf rx-flow-hash udp6 sd || return 1
	in_vf 1 ethtool -x vf >/tmp/x.before
	ip -n v1 link set dev vf down && ip -n v1 link set dev vf up && wait_until 5 carrier_in v1 vf && routes 1 || return 1
	lands 5 66.9.149.187 2794 161.142.100.80 1766 || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf || return 1
	lands 5 199.92.111.2 14230 65.69.140.83 4739 || return 1
	in_vf 1 ethtool -L vf combined 6 && wait_until 5 carrier_in v1 vf && lands 5 66.9.149.187 2794 161.142.100.80 1766 || return 1
	in_vf 1 ethtool -L vf combined 8 && wait_until 5 carrier_in v1 vf || return 1
	in_vf 1 ethtool -x vf | diff /tmp/x.before - && ! says 'L4 bytes' in_vf 1 ethtool -n vf rx-flow-hash udp6 >/dev/null || return 1
	# A queue that the table names cannot be taken away.
	fails_saying '.' in_vf 1 ethtool -L vf combined 5
}
tap_run guest.rss.settings_outlive_stop_reset_and_change_of_queues settings_survive
even_again() {
	in_vf 1 ethtool -X vf default && in_vf 1 ethtool -L vf combined 3 && wait_until 5 carrier_in v1 vf || return 1
	in_vf 1 ethtool -x vf | awk '/^ *[0-9]+: / { for (i = 2; i <= NF; i++) { wrong += $i != n++ % 3 } } END { print n " entries, " wrong + 0 " wrong"; exit !(n == 128 && !wrong) }' || return 1
	lands $((0xafc7327f % 128 % 3)) 38.27.205.30 48228 209.142.163.6 2217
}
tap_run guest.rss.without_a_table_of_the_user_all_queues_have_their_share even_again
pf_too() {
	says 'RSS hash key' ethtool -x pf && says 'toeplitz: on' ethtool -x pf && ethtool -X pf hkey "$KEY" && says "$KEY" ethtool -x pf
}
tap_run guest.rss.the_pf_has_it_too pf_too
tap_done
