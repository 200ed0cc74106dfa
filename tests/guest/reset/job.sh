#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs in a guest with a Weir: its functions are reset under traffic, many times, and their neighbours must not notice. How often is
# in /job/settings.sh: VF_RESETS, PF_RESETS, ROUNDS.
# shellcheck disable=SC2317,SC1010,SC2010,SC2015,SC2086,SC2143 # functions are called by name; words are split on purpose
# shellcheck source=guest/lib/guest.sh
. /usr/lib/weir/guest.sh
# shellcheck source=tests/guest/net/net.sh
. /job/net.sh
# shellcheck source=/dev/null
. /job/settings.sh

vf_reset() {
	echo 1 >"$(readlink -f "$PF_PATH/virtfn$1")/reset"
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
	load_drivers && place_pf 10.9.0.100/24 && set_vfs 4 && place_all
}
tap_run guest.reset.functions_come_up come_up

# --- FLR of a VF -------------------------------------------------------------------------------------------------------------

serve_iperf v1 5302
# Between VFs that are left alone, and from the PF to one of them; the VF that is reset is 0.
watch_begin neighbours 2 10.9.0.4
watch_begin pf_to_neighbour pf 10.9.0.3
traffic_begin storm 0 5302 10.9.0.2

flr_storm() {
	round=0
	while [ "$round" -lt "$VF_RESETS" ]; do
		vf_reset 0 || {
			echo "reset $round is refused"
			return 1
		}
		# Now at once again, now in the middle of coming up, now when traffic flows.
		case $((round % 5)) in
		0) ;;
		1) usleep 20000 ;;
		2) usleep 100000 ;;
		3) usleep 250000 ;;
		4)
			wait_until 10 reaches 0 10.9.0.2 || {
				echo "after reset $round it does not come back"
				in_vf 0 ip -s link show dev vf
				return 1
			}
			;;
		esac
		round=$((round + 1))
	done
	wait_until 10 carrier_in v0 vf && wait_until 10 reaches 0 10.9.0.2 && ping_well 0 -c 20 -i 0.02 10.9.0.100
}
tap_run guest.reset.vf_survives_flr_under_traffic flr_storm
traffic_again() {
	# By itself: nothing was set up again.
	before=$(statistic 0 vport_tx_frames)
	wait_until 10 more_than "$before" statistic 0 vport_tx_frames
}
more_than() {
	more_limit=$1
	shift
	[ "$("$@")" -gt $((more_limit + 100)) ]
}
tap_run guest.reset.traffic_goes_on_by_itself traffic_again
counted() {
	resets=$(statistic 0 function_resets)
	echo "the card counts $resets resets, the driver $(statistic 0 driver_resets), done were $VF_RESETS"
	[ "$resets" -ge "$VF_RESETS" ] && [ "$(statistic 1 function_resets)" = 0 ] && [ "$(statistic pf function_resets)" = 0 ]
}
tap_run guest.reset.resets_are_counted_where_they_happen counted
tap_run guest.reset.neighbours_of_a_reset_vf_lose_nothing watch_end neighbours 100
tap_run guest.reset.pf_and_neighbour_lose_nothing watch_end pf_to_neighbour 100
traffic_end storm

settings_survive() {
	ip link set dev pf vf 0 mac 02:aa:00:00:00:01 && ip link set dev pf vf 0 trust on && vf_reset 0 || return 1
	wait_until 10 reaches 0 10.9.0.2 || return 1
	ip link show dev pf | grep -E 'vf 0 .*02:aa:00:00:00:01.*trust on' && [ "$(mac_of 0)" = 02:aa:00:00:00:01 ]
}
tap_run guest.reset.vf_settings_survive_an_flr settings_survive

# --- FLR of the PF -------------------------------------------------------------------------------------------------------------

pf_storm() {
	traffic_begin storm 0 5302 10.9.0.2
	round=0
	while [ "$round" -lt "$PF_RESETS" ]; do
		echo 1 >"$PF_PATH/reset" || {
			echo "reset $round of the PF is refused"
			return 1
		}
		wait_until 15 pf_is_back || {
			echo "after reset $round of the PF not everything is back"
			return 1
		}
		round=$((round + 1))
	done
	traffic_end storm
	[ "$(pci_functions "$VF_ID" | wc -l)" = 4 ] && ping_well 2 -c 10 -i 0.02 10.9.0.4 && ping_well pf -c 10 -i 0.02 10.9.0.3
}
pf_is_back() {
	carrier_in - pf && carrier_in v0 vf && carrier_in v3 vf && reaches 0 10.9.0.2 && reaches 3 10.9.0.100
}
tap_run guest.reset.pf_survives_flr_with_vfs_under_traffic pf_storm
pf_settings() {
	ip link show dev pf | grep -E 'vf 0 .*02:aa:00:00:00:01.*trust on'
}
tap_run guest.reset.vf_settings_survive_an_flr_of_the_pf pf_settings

# --- enabling and disabling ---------------------------------------------------------------------------------------------------

enable_rounds() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		traffic_begin storm 0 5302 10.9.0.2
		usleep 200000
		set_vfs 0 || {
			echo "round $round: VFs cannot be disabled"
			return 1
		}
		traffic_end storm
		set_vfs 4 && place_all || {
			echo "round $round: VFs do not come back"
			return 1
		}
		# A server's namespace outlives its interface.
		ping_well 0 -c 3 -i 0.05 10.9.0.2 && ping_well 3 -c 3 -i 0.05 10.9.0.100 || return 1
		round=$((round + 1))
	done
}
tap_run guest.reset.rounds_of_disable_and_enable_under_traffic enable_rounds

nothing_left() {
	end_iperf
	set_vfs 0 && rmmod weirvf weir && [ -z "$(ls -A /sys/kernel/iommu_groups/*/devices 2>/dev/null | grep -F 01:00.1)" ]
}
tap_run guest.reset.modules_unload_afterwards nothing_left
tap_done
