#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: what an administrator does with it. The other end of its cable is tests/guest/net/wire.py, and
# QEMU's user network with an iperf3 server of the host at 10.0.2.2, port $HOST_PORT (/job/settings.sh).
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

# --- modules ---------------------------------------------------------------------------------------------------------------

modules_load() {
	load_drivers || return 1
	# 4096: built outside the kernel's tree; 8192: not signed
	case $(cat /proc/sys/kernel/tainted) in
	0 | 4096 | 12288) ;;
	*)
		echo "tainted: $(cat /proc/sys/kernel/tainted)"
		return 1
		;;
	esac
	! dmesg -r | grep -E '^<[0-4]>.*\b(weir|weirvf)\b' | grep -vE 'taint|module verification failed'
}
tap_run guest.sriov.modules_load_without_a_warning modules_load

lspci_decodes() {
	lspci -vvv -s "$1" >"$RESULTS/lspci-$1.txt" 2>/dev/null
	! grep -E '<\?>|<chain|malformed|access denied|[Uu]nknown header|\?\?' "$RESULTS/lspci-$1.txt" || return 1
	shift
	for capability; do
		grep -qF "$capability" "$RESULTS"/lspci-* || {
			echo "lspci shows no $capability"
			return 1
		}
	done
}
tap_run guest.sriov.lspci_decodes_the_pf lspci_decodes "$PF" 'Power Management version 3' 'MSI-X: Enable+ Count=65' \
	'Express (v2) Endpoint' 'Advanced Error Reporting' 'Alternative Routing-ID Interpretation' 'Address Translation Service' \
	'Single Root I/O Virtualization' 'Device Serial Number' 'Secondary PCI Express' 'Total VFs: 64' 'Kernel driver in use: weir'

# --- sriov_* ---------------------------------------------------------------------------------------------------------------

tap_run guest.sriov.totalvfs_is_that_of_the_card says '^64$' cat "$PF_PATH/sriov_totalvfs"
tap_run guest.sriov.more_than_totalvfs_are_refused fails_saying 'out of range' set_vfs 65

without_autoprobe() {
	echo 0 >"$PF_PATH/sriov_drivers_autoprobe" && set_vfs 2 || return 1
	for number in 0 1; do
		[ ! -e "$PF_PATH/virtfn$number/driver" ] || {
			echo "VF $number has a driver"
			return 1
		}
	done
	# The kernel holds to it for explicit binding as well; who overrides it means it.
	bind_driver "$(vf_address 1)" weirvf && netdev_of "$(vf_address 1)" && [ ! -e "$PF_PATH/virtfn0/driver" ] || return 1
	set_vfs 0 && echo 1 >"$PF_PATH/sriov_drivers_autoprobe"
}
tap_run guest.sriov.drivers_autoprobe_is_honoured without_autoprobe

vfs_bind() {
	set_vfs "$1" || return 1
	number=0
	while [ "$number" -lt "$1" ]; do
		wait_until 5 netdev_of "$(vf_address "$number")" >/dev/null || {
			echo "VF $number has no interface"
			return 1
		}
		number=$((number + 1))
	done
	[ "$(cat "$PF_PATH/sriov_numvfs")" = "$1" ] && [ "$(pci_functions "$VF_ID" | wc -l)" = "$1" ]
}
tap_run guest.ari.vfs_beyond_the_seventh_bind vfs_bind 9
far_vf_works() {
	place_pf 10.9.0.100/24 && place_vf 8 10.9.0.9/24 && ping_well 8 -c 10 -i 0.05 10.9.0.100 || return 1
	# Function numbers end at 7: it is named by the whole of device and function.
	[ "$(vf_address 8)" = 0000:01:01.1 ]
}
tap_run guest.ari.vf_beyond_the_seventh_works far_vf_works
tap_run guest.sriov.numvfs_cannot_change_while_enabled fails_saying 'busy' set_vfs 4
disabled() {
	set_vfs 0 && [ -z "$(pci_functions "$VF_ID")" ] && wait_until 5 test ! -e /sys/class/net/vf
}
tap_run guest.sriov.vfs_go_when_disabled disabled
tap_run guest.sriov.numvfs_enables_vfs vfs_bind 4
tap_run guest.sriov.lspci_decodes_a_vf lspci_decodes 0000:01:00.1 'MSI-X: Enable+ Count=17' 'Kernel driver in use: weirvf'

# --- traffic ---------------------------------------------------------------------------------------------------------------

# What the guest's own services would send, a router's announcements above all, is not wanted in the counts below.
echo 0 >/proc/sys/net/ipv6/conf/default/accept_ra
functions_come_up() {
	place_pf 10.9.0.100/24 10.0.2.15/24 10.77.0.100/24 || return 1
	for number in 0 1 2 3; do
		place_vf "$number" "10.9.0.$((number + 1))/24" "10.0.2.$((number + 21))/24" "10.77.0.$((number + 1))/24" || return 1
	done
}
tap_run guest.netdev.functions_get_a_carrier functions_come_up

tap_run guest.switching.vf_reaches_vf ping_well 0 -c 50 -i 0.02 10.9.0.2
tap_run guest.switching.vf_reaches_pf ping_well 2 -c 50 -i 0.02 10.9.0.100
tap_run guest.switching.pf_reaches_vf ping_well pf -c 50 -i 0.02 10.9.0.4
inside_stays_inside() {
	wire forget >/dev/null
	ping_well 0 -c 10 -i 0.02 10.9.0.2 || return 1
	count=$(wire count "$(mac_of 0)" "$(mac_of 1)" any)
	[ "$count" = 0 ] || {
		echo "$count frames from VF 0 to VF 1 were on the wire"
		return 1
	}
}
tap_run guest.switching.frames_between_vfs_stay_off_the_wire inside_stays_inside

serve_iperf - 5301
serve_iperf v1 5302
tap_run guest.netdev.tcp_from_vf_to_pf moves_data 0 -c 10.9.0.100 -p 5301 -n 10M
tap_run guest.netdev.tcp_from_pf_to_vf moves_data 0 -c 10.9.0.100 -p 5301 -n 10M -R
tap_run guest.netdev.tcp_from_vf_to_vf moves_data 0 -c 10.9.0.2 -p 5302 -n 10M
tap_run guest.netdev.udp_from_vf_to_vf moves_data 2 -c 10.9.0.2 -p 5302 -u -b 5M -t 1
tap_run guest.netdev.tcp_from_vf_to_the_hosts_stack moves_data 0 -c 10.0.2.2 -p "$HOST_PORT" -n 3M
tap_run guest.netdev.tcp_from_the_hosts_stack_to_vf moves_data 3 -c 10.0.2.2 -p "$HOST_PORT" -n 3M -R
tap_run guest.netdev.tcp_from_the_hosts_stack_to_pf moves_data pf -c 10.0.2.2 -p "$HOST_PORT" -n 3M -R

jumbo() {
	ip link set dev pf mtu 9000 && ip -n v0 link set dev vf mtu 9000 && ip -n v1 link set dev vf mtu 9000 || return 1
	wait_until 5 carrier_in - pf && wait_until 5 carrier_in v0 vf && wait_until 5 carrier_in v1 vf || return 1
	ping_well 0 -c 10 -i 0.05 -M "do" -s 8972 10.9.0.2 && ping_well 1 -c 10 -i 0.05 -M "do" -s 8972 10.9.0.100 || return 1
	fails_saying 'too long' in_vf 0 ping -M "do" -s 8973 -c 1 -W 1 10.9.0.2
}
tap_run guest.netdev.mtu_9000 jumbo
too_large_is_dropped() {
	before=$(statistic 2 vport_rx_dropped_oversize)
	in_vf 0 ping -M "do" -s 8972 -c 3 -i 0.1 -W 1 10.9.0.3 >/dev/null && return 1
	after=$(statistic 2 vport_rx_dropped_oversize)
	echo "rx_dropped_oversize: $before, then $after"
	[ "$after" -ge $((before + 3)) ]
}
tap_run guest.netdev.frames_beyond_the_mtu_are_dropped_and_counted too_large_is_dropped
back_to_1500() {
	ip link set dev pf mtu 1500 && ip -n v0 link set dev vf mtu 1500 && ip -n v1 link set dev vf mtu 1500 &&
		wait_until 5 carrier_in v0 vf && wait_until 5 carrier_in v1 vf && ping_well 0 -c 5 -i 0.05 -M "do" -s 1472 10.9.0.2
}
tap_run guest.netdev.mtu_can_go_back back_to_1500
tap_run guest.netdev.mtu_beyond_the_cards_is_refused fails_saying 'mtu greater than device maximum' ip link set dev pf mtu 9195

# --- VLANs, multicast, promiscuous -------------------------------------------------------------------------------------------

vlan_interfaces() {
	for number in 0 1 2; do
		vlan=100
		[ "$number" = 2 ] && vlan=200
		ip -n "v$number" link add link vf name vlan type vlan id "$vlan" || return 1
		ip -n "v$number" address add "10.100.0.$((number + 1))/24" dev vlan
		ip -n "v$number" address add "10.77.$vlan.$((number + 1))/24" dev vlan
		ip -n "v$number" link set dev vlan up
	done
	ip link add link pf name vlan type vlan id 100 && ip address add 10.100.0.100/24 dev vlan && ip link set dev vlan up || return 1
	ping_well 0 -c 10 -i 0.05 10.100.0.2 && ping_well 1 -c 10 -i 0.05 10.100.0.100 && stranger 2 10.100.0.1
}
tap_run guest.filters.vlan_interfaces_talk_within_their_vlan vlan_interfaces
tap_run guest.filters.vlan_tags_are_on_the_wire reaches 0 10.77.100.254
tap_run guest.filters.another_vlan_is_another_network reaches 2 10.77.200.254
vlans_end() {
	for number in 0 1 2; do
		ip -n "v$number" link del dev vlan || return 1
	done
	ip link del dev vlan && ping_well 0 -c 5 -i 0.05 10.9.0.2
}
tap_run guest.filters.vlan_interfaces_go vlans_end

group=01:00:5e:01:02:03
multicast() {
	arrives_frame=$(frame "$group" 02:77:00:00:00:01 88b5)
	ip -n v0 maddress add "$group" dev vf || return 1
	wait_until 5 arrives 0 ether proto 0x88b5 || {
		echo "VF 0, a member, does not get it"
		return 1
	}
	misses 1 ether proto 0x88b5 || {
		echo "VF 1, no member, gets it"
		return 1
	}
	ip -n v0 maddress del "$group" dev vf && wait_until 5 misses 0 ether proto 0x88b5
}
tap_run guest.filters.multicast_goes_to_members multicast

promiscuous_pf() {
	arrives_frame=$(frame 02:de:ad:00:00:01 02:77:00:00:00:01 88b5)
	misses pf ether proto 0x88b5 || {
		echo "the PF gets a frame for somebody else"
		return 1
	}
	ip link set dev pf promisc on && wait_until 5 arrives pf ether proto 0x88b5
	promiscuous_result=$?
	ip link set dev pf promisc off
	return "$promiscuous_result"
}
tap_run guest.filters.promiscuous_pf_sees_frames_for_others promiscuous_pf

# --- ip link set … vf N --------------------------------------------------------------------------------------------------------

vf_line() {
	ip -d link show dev pf | grep -E "^ *vf $1 "
}
pf_vf() {
	ip link set dev pf vf "$@"
}

mac0=02:aa:00:00:00:01
mac_given() {
	pf_vf 0 mac "$mac0" && says "link/ether $mac0 " vf_line 0 && wait_until 5 says "^$mac0\$" mac_of 0 || return 1
	in_vf 1 ip neighbour flush dev vf
	ping_well 1 -c 5 -i 0.05 10.9.0.1 && says "lladdr $mac0 " in_vf 1 ip neighbour show 10.9.0.1
}
tap_run guest.vf_settings.mac_is_given mac_given
mac_is_kept_to() {
	fails_saying 'not permitted|Permission|cannot assign' ip -n v0 link set dev vf address 02:bb:00:00:00:01 && says "^$mac0\$" mac_of 0
}
tap_run guest.vf_settings.vf_cannot_change_a_given_mac mac_is_kept_to
tap_run guest.vf_settings.multicast_mac_is_refused fails_saying 'Invalid' pf_vf 0 mac 01:00:00:00:00:01
tap_run guest.vf_settings.absent_vf_is_refused fails_saying 'Invalid' pf_vf 4 mac 02:aa:00:00:00:05

# A macvlan on VF 0 sends with a MAC address that is not the VF's.
forged=02:cc:00:00:00:01
forge() {
	ip -n v0 link add link vf name forged address "$forged" type macvlan mode private && ip -n v0 address add 10.77.0.50/24 dev forged &&
		ip -n v0 link set dev forged up || return 1
	# Without: who has given up asking for an address keeps silent for a while.
	ip -n v0 neighbour replace 10.77.0.254 lladdr 02:77:00:00:00:fe dev forged nud permanent
}
forged_seen() {
	wire forget >/dev/null
	in_vf 0 ping -q -c 3 -i 0.1 -W 1 -I forged 10.77.0.254 >/dev/null
	forged_count=$(wire count "$forged" any any)
	echo "$forged_count frames from $forged were on the wire"
}
spoof_check_on() {
	forge && says 'spoof checking on' vf_line 0 || return 1
	before=$(statistic 0 vport_tx_dropped_spoof)
	forged_seen
	after=$(statistic 0 vport_tx_dropped_spoof)
	echo "tx_dropped_spoof: $before, then $after"
	[ "$forged_count" = 0 ] && [ "$after" -gt "$before" ]
}
tap_run guest.vf_settings.spoofchk_stops_forged_sources spoof_check_on
tap_run guest.vf_settings.forgery_is_reported wait_until 12 says 'pf: VF 0: frames with a source MAC or VLAN that is not its own' dmesg
spoof_check_off() {
	pf_vf 0 spoofchk off && says 'spoof checking off' vf_line 0 || return 1
	forged_seen
	[ "$forged_count" -gt 0 ] && pf_vf 0 spoofchk on && says 'spoof checking on' vf_line 0 || return 1
	ip -n v0 link del dev forged
}
tap_run guest.vf_settings.spoofchk_off_lets_them_pass spoof_check_off

trust() {
	arrives_frame=$(frame 02:de:ad:00:00:01 02:77:00:00:00:01 88b5)
	ip -n v1 link set dev vf promisc on
	misses 1 ether proto 0x88b5 || {
		echo "an untrusted VF is promiscuous"
		return 1
	}
	pf_vf 1 trust on && says 'trust on' vf_line 1 || return 1
	# What was refused before is asked for again.
	ip -n v1 link set dev vf promisc off && ip -n v1 link set dev vf promisc on
	wait_until 5 arrives 1 ether proto 0x88b5 || {
		echo "a trusted VF is not promiscuous"
		return 1
	}
	pf_vf 1 trust off && says 'trust off' vf_line 1 || return 1
	misses 1 ether proto 0x88b5 || {
		echo "it stays promiscuous when trust goes"
		return 1
	}
	ip -n v1 link set dev vf promisc off
}
tap_run guest.vf_settings.trust_allows_promiscuous trust
trusted_mac() {
	pf_vf 0 trust on && ip -n v0 link set dev vf address 02:bb:00:00:00:01 && ping_well 0 -c 3 -i 0.05 10.9.0.2 || return 1
	ip -n v0 link set dev vf address "$mac0" && pf_vf 0 trust off
}
tap_run guest.vf_settings.trust_allows_another_mac trusted_mac

port_vlan() {
	pf_vf 2 vlan 101 qos 5 && says 'vlan 101, qos 5' vf_line 2 || return 1
	stranger 2 10.9.0.1 || {
		echo "VF 2 reaches a VF without its VLAN"
		return 1
	}
	ip -n v2 address add 10.77.101.3/24 dev vf
	reaches 2 10.77.101.254 || {
		echo "VF 2 does not reach the host behind VLAN 101"
		return 1
	}
}
tap_run guest.vf_settings.port_vlan_is_lived_in port_vlan
port_vlan_invisible() {
	listen_begin 2 /tmp/port_vlan && ping_well 2 -c 3 -i 0.1 10.77.101.254 || return 1
	wait_until 3 grep -q 'echo reply' /tmp/port_vlan
	listen_end
	grep -q 'echo reply' /tmp/port_vlan && ! grep -iE 'vlan|802\.1' /tmp/port_vlan
}
tap_run guest.vf_settings.port_vlan_is_not_seen_by_the_vf port_vlan_invisible
port_vlan_mates() {
	pf_vf 3 vlan 101 && ping_well 3 -c 5 -i 0.05 10.9.0.3
}
tap_run guest.vf_settings.vfs_of_one_port_vlan_reach_each_other port_vlan_mates
port_vlan_ad() {
	pf_vf 2 vlan 201 proto 802.1ad && says 'vlan 201, vlan protocol 802.1ad' vf_line 2 || return 1
	ip -n v2 address add 10.77.201.3/24 dev vf
	reaches 2 10.77.201.254 || {
		echo "VF 2 does not reach the host behind VLAN 201 of 802.1ad"
		return 1
	}
	stranger 2 10.9.0.4
}
tap_run guest.vf_settings.port_vlan_8021ad port_vlan_ad
port_vlan_off() {
	pf_vf 2 vlan 0 && pf_vf 3 vlan 0 && ! vf_line 2 | grep -q vlan || return 1
	# Behind it nobody answered, and ARP waits a second before it asks again.
	wait_until 5 reaches 2 10.9.0.1 && ping_well 2 -c 5 -i 0.05 10.9.0.1
}
tap_run guest.vf_settings.port_vlan_ends port_vlan_off

link_states() {
	says 'link-state auto' vf_line 3 && pf_vf 3 state disable && says 'link-state disable' vf_line 3 || return 1
	wait_until 5 says 'NO-CARRIER' ip -n v3 link show dev vf || {
		echo "the carrier stays"
		return 1
	}
	stranger 0 10.9.0.4 || return 1
	pf_vf 3 state auto && wait_until 5 carrier_in v3 vf && ping_well 0 -c 5 -i 0.05 10.9.0.4
}
tap_run guest.vf_settings.state_disable_takes_the_carrier link_states
cable_pulled() {
	pf_vf 0 state enable && pf_vf 1 state enable && says 'link-state enable' vf_line 1 || return 1
	wire link down >/dev/null
	wait_until 5 says NO-CARRIER ip link show dev pf && wait_until 5 says NO-CARRIER ip -n v2 link show dev vf || return 1
	carrier_in v0 vf && ping_well 0 -c 5 -i 0.05 10.9.0.2
	cable_result=$?
	wire link up >/dev/null
	wait_until 5 carrier_in - pf && wait_until 5 carrier_in v2 vf && reaches 2 10.77.0.254 || return 1
	pf_vf 0 state auto && pf_vf 1 state auto
	return "$cable_result"
}
tap_run guest.vf_settings.state_enable_outlives_the_cable cable_pulled

rebound_vf() {
	pf_vf 2 vlan 101 qos 5 && set_attribute "$(vf_path 2)/driver/unbind" "$(vf_address 2)" || return 1
	set_attribute /sys/bus/pci/drivers/weirvf/bind "$(vf_address 2)" && place_vf 2 10.9.0.3/24 10.77.101.3/24 || return 1
	says 'vlan 101' vf_line 2 && reaches 2 10.77.101.254 || return 1
	pf_vf 2 vlan 0 && in_vf 2 ip address add 10.77.0.3/24 dev vf && in_vf 2 ip address add 10.0.2.23/24 dev vf &&
		reaches 2 10.9.0.1
}
vf_path() {
	readlink -f "$PF_PATH/virtfn$1"
}
tap_run guest.vf_settings.settings_survive_the_vfs_driver rebound_vf

# --- ethtool and counters -----------------------------------------------------------------------------------------------------

# each COMMAND WORDS...: a command with "pf" and with "vf" in a VF's namespace
ethtool_of() {
	if [ "$1" = pf ]; then
		shift
		ethtool "$1" pf
	else
		ethtool_vf=$1
		shift
		in_vf "$ethtool_vf" ethtool "$1" vf
	fi
}
identity() {
	says '^driver: weir$' ethtool_of pf -i && says "^bus-info: $PF\$" ethtool_of pf -i && says '^firmware-version: [0-9]' ethtool_of pf -i &&
		says '^driver: weirvf$' ethtool_of 1 -i && says "^bus-info: $(vf_address 1)\$" ethtool_of 1 -i
}
tap_run guest.ethtool.says_who_drives_what identity
registers() {
	says '0x0000:.*52 49 45 57' ethtool_of pf -d && says '0x0000:.*52 49 45 57' ethtool_of 1 -d
}
tap_run guest.ethtool.dumps_registers registers

rings() {
	says 'RX:[[:space:]]*32768' ethtool_of pf -g || return 1
	ethtool -G pf rx 1024 tx 128 && ethtool -g pf | sed -n '/Current/,$p' | grep -qE '^RX:[[:space:]]*1024$' || return 1
	in_vf 0 ethtool -G vf rx 64 tx 64 && wait_until 5 carrier_in v0 vf || return 1
	ping_well 0 -c 20 -i 0.02 10.9.0.100 && moves_data 0 -c 10.9.0.100 -p 5301 -n 3M || return 1
	in_vf 0 ethtool -G vf rx 512 tx 512 && ethtool -G pf rx 512 tx 512 && fails_saying 'exceeds|Invalid' ethtool -G pf rx 65536
}
tap_run guest.ethtool.rings_change_size rings
channels() {
	says 'Combined:[[:space:]]*64' ethtool_of pf -l && says 'Combined:[[:space:]]*16' ethtool_of 0 -l || return 1
	for count in 1 4; do
		in_vf 0 ethtool -L vf combined "$count" && wait_until 5 carrier_in v0 vf || return 1
		ethtool_of 0 -l | sed -n '/Current/,$p' | grep -qE "^Combined:[[:space:]]*$count\$" || return 1
		[ "$(ethtool_of 0 -S | grep -c 'rx_queue_[0-9]*_packets')" = "$count" ] || return 1
		moves_data 0 -c 10.9.0.100 -p 5301 -n 3M -P 4 || return 1
	done
	fails_saying 'exceeds|Invalid' in_vf 0 ethtool -L vf combined 17
}
tap_run guest.ethtool.channels_change_number channels

# interrupts_of ADDRESS: how often each vector of a function has fired, one a line
interrupts_of() {
	for vector in /sys/bus/pci/devices/"$1"/msi_irqs/*; do
		awk -v irq="${vector##*/}:" '$1 == irq { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i; print irq, sum }' /proc/interrupts
	done
}
queue_frames() {
	ethtool_of 0 -S | sed -n 's/^ *rx_queue_\([0-9]*\)_packets: /\1 /p'
}
# VF 0 has four queue pairs; many flows come to it. By a key that is known to tell ports apart that follow one another (Microsoft's): of
# the kernel's random ones one in sixteen does not, in two bits of the hash.
RSS_KEY=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa
flows_spread() {
	in_vf 0 ethtool -X vf hkey "$RSS_KEY" || return 1
	queue_frames >/tmp/queues.before
	interrupts_of "$(vf_address 0)" >/tmp/interrupts.before
	moves_data 0 -c 10.9.0.100 -p 5301 -n 3M -P 16 -R || return 1
	queue_frames >/tmp/queues.after
	interrupts_of "$(vf_address 0)" >/tmp/interrupts.after
	paste -d ' ' /tmp/queues.before /tmp/queues.after |
		awk '{ more = $4 - $2; print "queue " $1 ": " more " frames more"; busy += more > 20 } END { exit !(NR == 4 && busy >= 3) }'
}
tap_run guest.spread.flows_use_several_queues flows_spread
vectors_fire() {
	# One for each queue pair, and one for the admin queue.
	paste -d ' ' /tmp/interrupts.before /tmp/interrupts.after |
		awk '{ more = $4 - $2; print "vector " $1 " " more " more"; busy += more > 0 } END { exit !(NR == 5 && busy >= 4) }'
}
tap_run guest.interrupts.each_queue_pair_has_a_vector vectors_fire
in_vf 0 ethtool -L vf combined 2

# Nothing must come or go between two readings: no ARP, and none of what IPv6 says by itself.
quiet() {
	for number in 0 1; do
		in_vf "$number" busybox sh -c 'echo 1 >/proc/sys/net/ipv6/conf/vf/disable_ipv6'
	done
	# Others may just be asking whether VF 0 is still where it was.
	for number in 0 1 2 3; do
		in_vf "$number" ip neighbour flush dev vf
	done
	ip neighbour flush dev pf
	in_vf 0 ip neighbour replace 10.9.0.2 lladdr "$(mac_of 1)" dev vf nud permanent
	in_vf 1 ip neighbour replace 10.9.0.1 lladdr "$(mac_of 0)" dev vf nud permanent
	sleep 1
}
ip_counters() {
	in_vf "$1" ip -s link show dev vf | awk '/RX:/ { getline; print $2, $1 } /TX:/ { getline; print $2, $1 }' | tr '\n' ' '
}
sum_of() {
	in_vf "$1" ethtool -S vf | awk -v wanted="$2" '$1 ~ wanted { sum += $2 } END { print sum + 0 }'
}
# all_counters: the counters of VF 0 sending and VF 1 receiving, as NAME=NUMBER lines
all_counters() {
	# shellcheck disable=SC2046 # split on purpose
	set -- $(ip_counters 0) $(ip_counters 1)
	echo "card_sent=$(statistic 0 vport_tx_frames) card_received=$(statistic 1 vport_rx_frames) card_bytes=$(statistic 1 vport_rx_bytes)"
	echo "queues_sent=$(sum_of 0 '^tx_queue_.*_packets:') queues_received=$(sum_of 1 '^rx_queue_.*_packets:')"
	echo "queues_bytes=$(sum_of 1 '^rx_queue_.*_bytes:') ip_sent=$3 ip_sent_bytes=$4 ip_received=$5 ip_bytes=$6"
}
counters_add_up() {
	quiet
	all_counters | tr ' ' '\n' >/tmp/counters.before
	# 100 frames of 1042 bytes there, and as many back
	in_vf 0 ping -q -c 100 -i 0.01 -s 1000 10.9.0.2
	sleep 1
	all_counters | tr ' ' '\n' >/tmp/counters.after
	paste -d = /tmp/counters.before /tmp/counters.after | cut -d = -f 1,2,4 |
		awk -F = '{
			more = $3 - $2
			wanted = $1 ~ /bytes/ ? 104200 : 100
			print $1 ": " more " more"
			if (more != wanted) bad = 1
		}
		END { exit bad }'
}
tap_run guest.ethtool.counters_add_up counters_add_up
pf_shows_vf_counters() {
	ip -s link show dev pf | awk -v frames="$(statistic 1 vport_rx_frames)" -v bytes="$(statistic 1 vport_rx_bytes)" \
		-v sent="$(statistic 1 vport_tx_frames)" -v sent_bytes="$(statistic 1 vport_tx_bytes)" '
		/^ *vf 1 / { here = 1 }
		/^ *vf 2 / { here = 0 }
		here && /RX:/ { getline; print "rx " $2 " frames, " $1 " bytes, not " frames ", " bytes; rx = $2 == frames && $1 == bytes }
		here && /TX:/ { getline; print "tx " $2 " frames, " $1 " bytes, not " sent ", " sent_bytes; tx = $2 == sent && $1 == sent_bytes }
		END { exit !(rx && tx) }'
}
tap_run guest.vf_statistics.pf_shows_them pf_shows_vf_counters
wire_counters() {
	frames=$(statistic pf port_tx_frames)
	in_vf 0 ping -q -c 20 -i 0.02 10.77.0.254 || return 1
	more=$(($(statistic pf port_tx_frames) - frames))
	echo "$more frames more on the wire"
	[ "$more" -ge 20 ] && [ "$more" -le 25 ]
}
tap_run guest.vf_statistics.port_counts_what_leaves wire_counters
# --- comings and goings under traffic -------------------------------------------------------------------------------------------

end_iperf
serve_iperf v1 5302
serve_iperf - 5301
watch_begin neighbours 2 10.9.0.4
traffic_begin between 0 5302 10.9.0.2

bad_doorbells() {
	for number in 0 1 2 3; do
		statistic "$number" function_bad_doorbells
	done
}
# The server's end of the traffic: its interrupts never stop. No doorbell may come after the queue that it was for.
reconfigure_under_traffic() {
	bad_doorbells >/tmp/doorbells.before
	for size in 64 256 128 512; do
		in_vf 1 ethtool -G vf rx "$size" && wait_until 5 carrier_in v1 vf || return 1
	done
	bad_doorbells >/tmp/doorbells.after
	cmp /tmp/doorbells.before /tmp/doorbells.after && wait_until 5 reaches 0 10.9.0.2
}
tap_run guest.ethtool.rings_change_size_under_traffic reconfigure_under_traffic

rebind_under_traffic() {
	for round in 1 2; do
		sleep 0.5
		address=$(vf_address 0)
		set_attribute "$(vf_path 0)/driver/unbind" "$address" && set_attribute /sys/bus/pci/drivers/weirvf/bind "$address" || return 1
		if ! place_vf 0 10.9.0.1/24 || ! wait_until 5 reaches 0 10.9.0.2; then
			echo "round $round: it does not come back"
			return 1
		fi
	done
}
tap_run guest.removal.vf_driver_unbound_and_bound_under_traffic rebind_under_traffic
tap_run guest.removal.neighbours_of_an_unbound_vf_lose_nothing watch_end neighbours 10

disable_under_traffic() {
	sleep 0.5
	set_vfs 0 && [ -z "$(pci_functions "$VF_ID")" ] && set_vfs 4 || return 1
	for number in 0 1 2 3; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || return 1
	done
	back_at_work
}
# back_at_work: VFs 0 and 1, whose traffic may fill their rings and cost a ping, and those that have none
back_at_work() {
	wait_until 10 reaches 0 10.9.0.2 && ping_well 2 -c 5 -i 0.05 10.9.0.4 && ping_well 3 -c 5 -i 0.05 10.9.0.100
}
tap_run guest.removal.vfs_disabled_under_traffic disable_under_traffic

remove_vf_module() {
	sleep 0.5
	rmmod weirvf && ! netdev_of "$(vf_address 0)" >/dev/null && modprobe weirvf || return 1
	for number in 0 1 2 3; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || return 1
	done
	back_at_work
}
tap_run guest.removal.vf_module_removed_under_traffic remove_vf_module
traffic_end between
traffic_begin to_pf 0 5301 10.9.0.100
remove_pf_module() {
	sleep 0.5
	rmmod weir && [ -z "$(pci_functions "$VF_ID")" ] && [ ! -e /sys/class/net/pf ] && modprobe weir && name_pf && place_pf 10.9.0.100/24 || return 1
	set_vfs 2 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 && wait_until 10 reaches 0 10.9.0.100 &&
		ping_well 1 -c 5 -i 0.05 10.9.0.100
}
tap_run guest.removal.pf_module_removed_under_traffic remove_pf_module
traffic_end to_pf
end_iperf

all_removed() {
	set_vfs 0 && rmmod weirvf weir && modprobe weir && rmmod weir
}
tap_run guest.removal.modules_unload all_removed
tap_done
