#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: vectors of queue pairs, moderation against its settings, busy polling. VF 0 sends, VF 1 is looked at.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh

# The guest's clock runs as the host's does, and the host may have other work: bounds from above are loose, those from below exact.
SLACK_MS=400

begin() {
	load_drivers && set_vfs 2 && place_pf 10.9.0.100/24 || return 1
	for number in 0 1; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || return 1
		in_vf "$number" busybox sh -c 'echo 1 >/proc/sys/net/ipv6/conf/vf/disable_ipv6'
	done
	in_vf 0 ip neighbour replace 10.9.0.2 lladdr "$(mac_of 1)" dev vf nud permanent
	in_vf 1 ip neighbour replace 10.9.0.1 lladdr "$(mac_of 0)" dev vf nud permanent
	ping_well 0 -c 5 -i 0.1 10.9.0.2
}
tap_run guest.moderation.two_vfs_come_up begin

# --- vectors -------------------------------------------------------------------------------------------------------------------

# irqs_named PATTERN: the interrupts whose name is like that
irqs_named() {
	sed -n "s/^ *\([0-9]*\):.* $1\$/\1/p" /proc/interrupts
}
sixteen_pairs() {
	for name in pf vf; do
		[ "$name" = pf ] && place=pf || place=1
		where "$place" ethtool -L "$name" combined 16 && wait_until 5 carrier_of "$place" || return 1
		pair=0
		while [ "$pair" -lt 16 ]; do
			irq=$(irqs_named "$name-$pair")
			[ "$(echo "$irq" | wc -w)" = 1 ] || {
				echo "interrupts named $name-$pair: ${irq:-none}"
				return 1
			}
			# A hint is a mask of processors.
			grep -q '[1-9a-f]' "/proc/irq/$irq/affinity_hint" && grep -q '[1-9a-f]' "/proc/irq/$irq/smp_affinity" || return 1
			pair=$((pair + 1))
		done
		where "$place" ethtool -S "$name" | grep -q 'queue_15_interrupts' || return 1
		where "$place" ethtool -L "$name" combined 2 && wait_until 5 carrier_of "$place" || return 1
	done
	# Neighbours in the list go to neighbours in the machine.
	[ "$(cat "/proc/irq/$(irqs_named vf-0)/affinity_hint")" != "$(cat "/proc/irq/$(irqs_named vf-1)/affinity_hint")" ]
}
carrier_of() {
	if [ "$1" = pf ]; then
		carrier_in - pf
	else
		carrier_in "v$1" vf
	fi
}
# Both VFs' interrupts would have the same names.
in_vf 0 ip link set dev vf down
tap_run guest.interrupts.sixteen_pairs_have_a_vector_each_with_name_and_hint sixteen_pairs
in_vf 0 ip link set dev vf up
wait_until 5 carrier_in v0 vf

# --- settings ------------------------------------------------------------------------------------------------------------------

# coalescing N: what ethtool -c says of rx and tx, as one line
coalescing() {
	in_vf "$1" ethtool -c vf | awk '/^Adaptive/ { printf "%s/%s ", $3, $5 } /^(rx|tx)-(usecs|frames):/ { printf "%s%s ", $1, $2 }'
}
has_defaults() {
	says 'Adaptive RX: on  TX: on' ethtool -c pf && says '^on/on rx-usecs:8 rx-frames:128 tx-usecs:16 tx-frames:32 $' coalescing 1
}
tap_run guest.moderation.is_adaptive_unless_told_otherwise has_defaults
set_all() {
	in_vf 1 ethtool -C vf adaptive-rx off adaptive-tx off rx-usecs "$1" rx-frames "$2" tx-usecs "$3" tx-frames "$4"
}
refused() {
	fails_saying 'no effect while moderation is adaptive|Invalid' in_vf 1 ethtool -C vf rx-usecs 100 || return 1
	fails_saying 'so many microseconds|Numerical' in_vf 1 ethtool -C vf adaptive-rx off rx-usecs 65536 || return 1
	fails_saying 'so many frames|Numerical' in_vf 1 ethtool -C vf adaptive-tx off tx-frames 32769 || return 1
	says '^on/on rx-usecs:8 rx-frames:128 tx-usecs:16 tx-frames:32 $' coalescing 1
}
tap_run guest.moderation.impossible_settings_are_refused refused

# fired N: how often the vectors of a VF's queue pairs have fired, by the kernel's count; counted N: by the driver's
fired() {
	for vector in /sys/bus/pci/devices/"$(vf_address "$1")"/msi_irqs/*; do
		grep "^ *${vector##*/}:.* vf-[0-9]*\$" /proc/interrupts
	done | awk '{ for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }'
}
counted() {
	in_vf "$1" ethtool -S vf | awk '/ queue_[0-9]*_interrupts:/ { sum += $2 } END { print sum + 0 }'
}
# interrupts_of COMMAND...: runs it; $interrupts: of VF 1 meanwhile
interrupts_of() {
	fired_before=$(fired 1)
	counted_before=$(counted 1)
	"$@" || return 1
	sleep 0.2
	interrupts=$(($(fired 1) - fired_before))
	counted_more=$(($(counted 1) - counted_before))
	[ "$interrupts" = "$counted_more" ] || {
		echo "the kernel counted $interrupts interrupts, the driver $counted_more"
		return 1
	}
}
# Each frame comes alone.
at_once() {
	set_all 0 0 0 0 && interrupts_of ping_well 0 -c 300 -i 0.005 10.9.0.2 || return 1
	echo "$interrupts interrupts for 300 frames"
	[ "$interrupts" -ge 280 ]
}
tap_run guest.moderation.without_it_each_frame_interrupts at_once
# 64 frames are always on their way, so that 32 are never long in coming; the vector also fires for frames sent, every 65 ms at most.
flood() {
	in_vf 0 ping -q -f -l 64 -c 960 10.9.0.2 >/tmp/ping.out
	true
}
frames_of() {
	in_vf 1 ethtool -S vf | awk '/ rx_queue_[0-9]*_packets:/ { sum += $2 } END { print sum + 0 }'
}
by_number() {
	frames=$(frames_of)
	set_all 65535 32 65535 0 && interrupts_of flood || return 1
	frames=$(($(frames_of) - frames))
	echo "$interrupts interrupts for $frames frames"
	[ "$frames" -ge 900 ] && [ "$interrupts" -ge $((frames / 64)) ] && [ "$interrupts" -le $((frames / 16)) ]
}
tap_run guest.moderation.rx_frames_32_gives_a_thirtieth_of_the_interrupts by_number

# waits_ms MILLISECONDS: half of eleven pings to VF 1 take that long, or somewhat longer. (Not all: what VF 1 sends by itself, such as an
# ARP probe, interrupts as well, and a frame that waits is taken along.)
waits_ms() {
	median=$(in_vf 0 ping -c 11 -i 0.2 "${2:-10.9.0.2}" | sed -n 's/.* time=\([0-9]*\).*/\1/p' | sort -n | sed -n 6p)
	echo "half of the round trips take $median ms or more, wanted are $1"
	[ "$median" -ge "$1" ] && [ "$median" -le $(($1 + SLACK_MS)) ]
}
by_time() {
	for ms in 60 20 0; do
		set_all $((ms * 1000)) 0 0 0 && waits_ms "$ms" || return 1
	done
	# That was with 0.
	[ "$median" -lt 20 ]
}
tap_run guest.moderation.rx_usecs_bounds_the_wait by_time

each_queue() {
	in_vf 1 ethtool -L vf combined 2 && wait_until 5 carrier_in v1 vf && set_all 50 7 60 9 || return 1
	in_vf 1 ethtool --per-queue vf queue_mask 2 --coalesce rx-usecs 77 tx-frames 3 || return 1
	in_vf 1 ethtool --per-queue vf queue_mask 3 --show-coalesce | awk '/^Queue/ { queue = $2 } /^(rx|tx)-(usecs|frames):/ { print queue $1 $2 }' |
		tr '\n' ' ' >/tmp/queues
	cat /tmp/queues
	says 'Queue|0:?rx-usecs:50 0:?rx-frames:7 ' cat /tmp/queues && says '1:?rx-usecs:77 1:?rx-frames:7 .*1:?tx-usecs:60 1:?tx-frames:3 ' cat /tmp/queues
}
tap_run guest.moderation.each_queue_has_its_own each_queue

survives() {
	set_all 40000 0 5 6 && waits_ms 40 || return 1
	in_vf 1 ip link set dev vf down && in_vf 1 ip link set dev vf up && wait_until 5 carrier_in v1 vf && waits_ms 40 || return 1
	in_vf 1 ethtool -L vf combined 1 && wait_until 5 carrier_in v1 vf && waits_ms 40 || return 1
	in_vf 1 ethtool -G vf rx 128 && wait_until 5 carrier_in v1 vf && waits_ms 40 || return 1
	set_attribute "/sys/bus/pci/devices/$(vf_address 1)/reset" 1 && wait_until 10 carrier_in v1 vf && waits_ms 40 || return 1
	says '^off/off rx-usecs:40000 rx-frames:0 tx-usecs:5 tx-frames:6 $' coalescing 1
}
tap_run guest.moderation.settings_survive_down_channels_rings_and_reset survives

# --- adaptive moderation --------------------------------------------------------------------------------------------------------

serve_iperf v1 5301
# The commands that DIM has sent: what the card has counted but for what the driver sends anyway, one or two a second
adapts() {
	in_vf 1 ethtool -C vf adaptive-rx on adaptive-tx on || return 1
	commands=$(statistic 1 function_admin_commands)
	moves_data 0 -c 10.9.0.2 -p 5301 -t 6 -P 4 || return 1
	busy=$(($(statistic 1 function_admin_commands) - commands))
	in_vf 1 ethtool -C vf adaptive-rx off adaptive-tx off || return 1
	commands=$(statistic 1 function_admin_commands)
	moves_data 0 -c 10.9.0.2 -p 5301 -t 6 -P 4 || return 1
	still=$(($(statistic 1 function_admin_commands) - commands))
	echo "$busy commands while adaptive, $still while not"
	[ "$busy" -ge $((still + 3)) ]
}
tap_run guest.moderation.adapts_to_the_traffic adapts
pf_too() {
	ethtool -C pf adaptive-rx off adaptive-tx off rx-usecs 30000 rx-frames 0 && waits_ms 30 10.9.0.100 && ethtool -C pf rx-usecs 0
}
tap_run guest.moderation.of_the_pf_too pf_too

# --- busy polling ---------------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # awk's own
busy_polled() {
	in_vf 1 awk '/^TcpExt:/ { if (n++) print $column; else for (i = 1; i <= NF; i++) if ($i == "BusyPollRxPackets") column = i }' /proc/net/netstat
}
# A socket made while net.core.busy_read is set polls the queue that its frames come from (it knows by their NAPI) before it sleeps.
busy_poll() {
	set_all 0 0 0 0 || return 1
	before=$(busy_polled)
	moves_data 0 -c 10.9.0.2 -p 5301 -t 2 || return 1
	[ "$(busy_polled)" = "$before" ] || {
		echo "polled though nobody asked for it"
		return 1
	}
	echo 500 >/proc/sys/net/core/busy_read
	echo 500 >/proc/sys/net/core/busy_poll
	serve_iperf v1 5302 && moves_data 0 -c 10.9.0.2 -p 5302 -t 3
	result=$?
	echo 0 >/proc/sys/net/core/busy_read
	echo 0 >/proc/sys/net/core/busy_poll
	more=$(($(busy_polled) - before))
	echo "$more frames were found by busy polling"
	[ "$result" = 0 ] && [ "$more" -gt 0 ]
}
tap_run guest.busy_poll.sockets_find_their_frames_by_themselves busy_poll

end_iperf
all_removed() {
	set_vfs 0 && rmmod weirvf weir
}
tap_run guest.moderation.modules_unload all_removed
tap_done
