#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: its functions are reset, taken away and brought back under traffic, many times, and their neighbours
# must not notice. /job/settings.sh says how often, and more:
#
#	ROW          what the tests' names begin with
#	VF_RESETS, PF_RESETS, ROUNDS, BINDS    0 leaves a part out
#	TRAFFIC      iperf3's options
#	RATE         numbered datagrams a second between neighbours
#	WAIT_FACTOR  how much longer than usual things may take here
#
# VF 0 is the one that suffers, VF 1 its peer; 2, 3, the PF and a host behind the wire are neighbours.
# shellcheck disable=SC2317 # functions are called by name
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

WIRE_HOST=10.9.0.200
KMEMLEAK=/sys/kernel/debug/kmemleak
DMA_DEBUG=/sys/kernel/debug/dma-api

# --- what is asked of neighbours -------------------------------------------------------------------------------------------------

# numbers_begin NAME FROM TO PORT ADDRESS: numbered datagrams from one to the other (a VF's number, or pf), until numbers_end NAME
numbers_begin() {
	numbers_run "$3" receive "$4" >"/tmp/numbers.$1.received" 2>&1 </dev/null &
	echo $! >"/tmp/numbers.$1.receiver"
	# The receiver's socket must be there: nobody sends twice.
	wait_until 5 numbers_heard "$3" "$4" || return 1
	numbers_run "$2" send "$5" "$4" "$RATE" >"/tmp/numbers.$1.sent" 2>&1 </dev/null &
	echo $! >"/tmp/numbers.$1.sender"
}

# numbers_run N ARGUMENTS...: becomes the program, so that the background job's id is its own
numbers_run() {
	numbers_at=$1
	shift
	if [ "$numbers_at" = pf ]; then
		exec /job/sequence "$@"
	else
		exec ip netns exec "v$numbers_at" /job/sequence "$@"
	fi
}

numbers_heard() {
	where "$1" ss -Hlun "sport = :$2" | grep -q .
}

# numbers_end NAME LEAST: nothing was lost, came twice, late or damaged, and there were LEAST at least
numbers_end() {
	numbers_sender=$(cat "/tmp/numbers.$1.sender")
	numbers_receiver=$(cat "/tmp/numbers.$1.receiver")
	kill -TERM "$numbers_sender"
	wait_until 10 has_ended "$numbers_sender" || return 1
	wait_until 5 has_ended "$numbers_receiver" || kill -TERM "$numbers_receiver"
	wait_until 5 has_ended "$numbers_receiver" || return 1
	cat "/tmp/numbers.$1.sent" "/tmp/numbers.$1.received"
	numbers_count=$(sed -n 's/^sent \([0-9]*\)$/\1/p' "/tmp/numbers.$1.sent")
	# These are no children of whoever asks here: what they print says all.
	[ "${numbers_count:-0}" -ge "$2" ] && grep -q "^received $numbers_count of $numbers_count: 0 gaps with 0 missing, 0 twice, \
0 out of turn, 0 damaged;" "/tmp/numbers.$1.received"
}

# neighbours_begin: between the VFs that are left alone, both ways, and from the PF to one
neighbours_begin() {
	# While an address is being asked for, datagrams wait for it, and in Linux the next one may pass them when the answer comes.
	wait_until 5 reaches 2 10.9.0.4 && wait_until 5 reaches pf 10.9.0.4 || return 1
	numbers_begin vf_to_vf 2 3 5401 10.9.0.4 && numbers_begin vf_from_vf 3 2 5402 10.9.0.3 &&
		numbers_begin pf_to_vf pf 3 5403 10.9.0.4 && watch_begin vf_to_wire 2 "$WIRE_HOST"
}

# neighbours_end TEST LEAST: a test for each of them
neighbours_end() {
	tap_run "$1_neighbour_vfs_lose_nothing" numbers_end vf_to_vf "$2"
	tap_run "$1_neighbour_vfs_lose_nothing_back" numbers_end vf_from_vf "$2"
	tap_run "$1_pf_and_vf_lose_nothing" numbers_end pf_to_vf "$2"
	tap_run "$1_vf_and_wire_lose_nothing" watch_end vf_to_wire "$(($2 / 100 + 1))"
}

# --- set-up ----------------------------------------------------------------------------------------------------------------------

vf_reset() {
	set_attribute "$PF_PATH/virtfn$1/reset" 1
}

# Addresses of their own, which outlive resets of theirs and rounds of enabling: others remember them.
give_macs() {
	for number in 0 1 2 3; do
		ip link set dev pf vf "$number" mac "$(mac_for "$number")" || return 1
	done
}
mac_for() {
	echo "02:aa:00:00:01:0$1"
}

place_all() {
	for number in 0 1 2 3; do
		place_vf "$number" "10.9.0.$((number + 1))/24" || {
			echo "VF $number has no carrier"
			return 1
		}
	done
}

come_up() {
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 4 && give_macs && place_all && wait_until 5 reaches 2 "$WIRE_HOST"
}

# storm_begin, storm_end: traffic from VF 0 to VF 1
storm_begin() {
	traffic_begin storm 0 5302 10.9.0.2
}
storm_end() {
	traffic_end storm
}

# progress DONE OF: now and then, a line for who waits
progress() {
	[ $(($1 % 50)) -ne 0 ] || [ "$2" -le 50 ] || echo "# $1 of $2, $(($(guest_uptime_ms) / 1000)) s after the guest's start" >&9
}

more_than() {
	more_limit=$1
	shift
	[ "$("$@")" -gt "$more_limit" ]
}

# --- FLR of a VF -----------------------------------------------------------------------------------------------------------------

# Now at once again, now in the middle of coming up, now when traffic flows
flr_pause() {
	case $(($1 % 5)) in
	0) ;;
	1) usleep 20000 ;;
	2) usleep 100000 ;;
	3) usleep 250000 ;;
	4)
		wait_until 10 reaches 0 10.9.0.2 || {
			echo "after reset $1 it does not come back"
			in_vf 0 ip -s link show dev vf
			return 1
		}
		;;
	esac
}

flr_storm() {
	round=0
	while [ "$round" -lt "$VF_RESETS" ]; do
		vf_reset 0 || {
			echo "reset $round is refused"
			return 1
		}
		flr_pause "$round" || return 1
		round=$((round + 1))
		progress "$round" "$VF_RESETS"
	done
	wait_until 10 carrier_in v0 vf && wait_until 10 reaches 0 10.9.0.2 && ping_well 0 -c 20 -i 0.02 10.9.0.100
}

# By itself: nothing was set up again.
traffic_again() {
	before=$(statistic 0 vport_tx_frames)
	wait_until 10 more_than $((before + 100)) statistic 0 vport_tx_frames
}

counted() {
	resets=$(statistic 0 function_resets)
	echo "the card counts $resets resets, the driver $(statistic 0 driver_resets), done were $VF_RESETS"
	[ "$resets" -ge "$VF_RESETS" ] && [ "$(statistic 1 function_resets)" = 0 ] && [ "$(statistic pf function_resets)" = 0 ]
}

settings_survive() {
	ip link set dev pf vf 0 trust on && vf_reset 0 && wait_until 10 reaches 0 10.9.0.2 || return 1
	ip link show dev pf | grep -E "vf 0 .*$(mac_for 0).*trust on" && [ "$(mac_of 0)" = "$(mac_for 0)" ]
}

vf_resets() {
	neighbours_begin
	storm_begin
	tap_run "$ROW.vf_survives_flr_under_traffic" flr_storm
	tap_run "$ROW.traffic_goes_on_by_itself" traffic_again
	tap_run "$ROW.resets_are_counted_where_they_happen" counted
	neighbours_end "$ROW.while_a_vf_is_reset" "$((VF_RESETS * 10))"
	storm_end
	tap_run "$ROW.vf_settings_survive_an_flr" settings_survive
}

# --- a VF's driver comes and goes ------------------------------------------------------------------------------------------------

bind_rounds() {
	address=$(vf_address 0)
	round=0
	while [ "$round" -lt "$BINDS" ]; do
		storm_begin
		wait_until 10 more_than 100 statistic 0 vport_tx_frames || {
			echo "round $round: no traffic"
			return 1
		}
		set_attribute "/sys/bus/pci/drivers/weirvf/unbind" "$address" || return 1
		storm_end
		# Every other time the function is reset with nobody at it.
		[ $((round % 2)) -eq 0 ] || vf_reset 0 || return 1
		{ set_attribute "/sys/bus/pci/drivers/weirvf/bind" "$address" && place_vf 0 10.9.0.1/24; } || {
			echo "round $round: it does not come back"
			return 1
		}
		ping_well 0 -c 3 -i 0.05 10.9.0.2 || return 1
		round=$((round + 1))
		progress "$round" "$BINDS"
	done
}

binds() {
	neighbours_begin
	tap_run "$ROW.vf_survives_unbind_and_bind_under_traffic" bind_rounds
	neighbours_end "$ROW.while_a_vf_is_unbound" "$((BINDS * 20))"
}

# --- FLR of the PF ---------------------------------------------------------------------------------------------------------------

pf_is_back() {
	carrier_in - pf && reaches 0 10.9.0.2 && reaches 3 10.9.0.100 && reaches 2 10.9.0.4 && reaches 1 10.9.0.100
}

pf_storm() {
	storm_begin
	round=0
	while [ "$round" -lt "$PF_RESETS" ]; do
		set_attribute "$PF_PATH/reset" 1 || {
			echo "reset $round of the PF is refused"
			return 1
		}
		wait_until 15 pf_is_back || {
			echo "after reset $round of the PF not everything is back"
			return 1
		}
		round=$((round + 1))
	done
	storm_end
	[ "$(pci_functions "$VF_ID" | wc -l)" = 4 ] && ping_well 2 -c 10 -i 0.02 10.9.0.4 && ping_well pf -c 10 -i 0.02 10.9.0.3
}

pf_settings() {
	ip link show dev pf | grep -E "vf 0 .*$(mac_for 0).*trust on"
}

pf_is_removed() {
	storm_begin
	wait_until 10 more_than 100 statistic 0 vport_tx_frames || return 1
	set_attribute "$PF_PATH/remove" 1 || return 1
	storm_end
	[ -z "$(pci_functions "$VF_ID")" ] || return 1
	set_attribute /sys/bus/pci/rescan 1 && wait_until 10 netdev_of "$PF" && name_pf && place_pf 10.9.0.100/24 && set_vfs 4 &&
		give_macs && place_all && ping_well 0 -c 3 -i 0.05 10.9.0.2 && wait_until 5 reaches pf "$WIRE_HOST"
}

pf_resets() {
	ip link set dev pf vf 0 trust on
	tap_run "$ROW.pf_survives_flr_with_vfs_under_traffic" pf_storm
	tap_run "$ROW.vf_settings_survive_an_flr_of_the_pf" pf_settings
	tap_run "$ROW.pf_is_removed_and_found_again_under_traffic" pf_is_removed
}

# --- enabling and disabling ------------------------------------------------------------------------------------------------------

enable_rounds() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		storm_begin
		wait_until 10 more_than 100 statistic 0 vport_tx_frames || {
			echo "round $round: no traffic"
			return 1
		}
		set_vfs 0 || {
			echo "round $round: VFs cannot be disabled"
			return 1
		}
		storm_end
		{ set_vfs 4 && place_vf 0 10.9.0.1/24 && place_vf 1 10.9.0.2/24 && place_vf 3 10.9.0.4/24; } || {
			echo "round $round: VFs do not come back"
			return 1
		}
		# A server's namespace outlives its interface.
		ping_well 0 -c 3 -i 0.05 10.9.0.2 && ping_well 3 -c 3 -i 0.05 10.9.0.100 && [ "$(mac_of 3)" = "$(mac_for 3)" ] || return 1
		round=$((round + 1))
		progress "$round" "$ROUNDS"
	done
}

# All VFs go: the PF and the wire are the neighbours.
rounds() {
	watch_begin pf_to_wire pf "$WIRE_HOST"
	tap_run "$ROW.rounds_of_disable_and_enable_under_traffic" enable_rounds
	tap_run "$ROW.while_vfs_are_disabled_pf_and_wire_lose_nothing" watch_end pf_to_wire "$((ROUNDS * 4))"
}

# --- the end, and what a debug kernel has to say ---------------------------------------------------------------------------------

unload() {
	end_iperf
	set_vfs 0 && rmmod weirvf weir
}

no_report() {
	tainted=$(cat /proc/sys/kernel/tainted)
	echo "tainted: $tainted"
	# A warning is bit 9, an Oops bit 7.
	[ $((tainted & 0x280)) -eq 0 ]
}

# Each of them switches itself off when it runs out of room; then its silence means nothing.
still_watching() {
	grep debug_locks: /proc/lockdep_stats
	echo "DMA: disabled $(cat "$DMA_DEBUG/disabled"), errors $(cat "$DMA_DEBUG/error_count"), least free $(cat "$DMA_DEBUG/min_free_entries")"
	grep -q 'debug_locks: *1' /proc/lockdep_stats && [ "$(cat "$DMA_DEBUG/disabled")" = N ] && [ -r "$KMEMLEAK" ] &&
		! dmesg | grep -E 'kmemleak: .*(disabled|pool empty)|DMA-API: .*disabling'
}

no_dma_left() {
	[ "$(cat "$DMA_DEBUG/error_count")" = 0 ] && ! grep -F "${PF%.*}" "$DMA_DEBUG/dump"
}

no_memory_left() {
	# What is younger than five seconds is not looked at, and what moved during a scan is found by the next.
	for _ in 1 2; do
		sleep 6
		echo scan >"$KMEMLEAK"
	done
	! grep . "$KMEMLEAK"
}

# --- run -------------------------------------------------------------------------------------------------------------------------

tap_run "$ROW.functions_come_up" come_up || tap_done
serve_iperf v1 5302
[ "$VF_RESETS" = 0 ] || vf_resets
[ "$BINDS" = 0 ] || binds
[ "$PF_RESETS" = 0 ] || pf_resets
[ "$ROUNDS" = 0 ] || rounds
tap_run "$ROW.modules_unload_afterwards" unload
tap_run "$ROW.kernel_reports_nothing" no_report
if [ -e "$KMEMLEAK" ]; then
	tap_run "$ROW.kernel_still_watches" still_watching
	tap_run "$ROW.no_dma_mapping_is_left" no_dma_left
	tap_run "$ROW.no_memory_is_left" no_memory_left
fi
tap_done
