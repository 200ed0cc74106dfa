# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# What the jobs about a Weir's network share. VF n lives in the namespace vN with its interface named vf, the PF where it is with
# its interface named pf; a job sources this after /usr/lib/weir/guest.sh.

PF=0000:01:00.0
PF_PATH=/sys/bus/pci/devices/$PF
# shellcheck disable=SC2034 # for the jobs
VF_ID=1234:5746

# vf_address N: the PCI address of VF N
vf_address() {
	basename "$(readlink "$PF_PATH/virtfn$1")"
}

# in_vf N COMMAND...: runs a command in a VF's namespace
in_vf() {
	in_vf_number=$1
	shift
	ip netns exec "v$in_vf_number" "$@"
}

# set_vfs COUNT: as `echo COUNT >sriov_numvfs`, the kernel's refusal in words
set_vfs() {
	set_attribute "$PF_PATH/sriov_numvfs" "$1"
}

# says WANTED COMMAND...: the command's output, either stream, has the extended expression in it
says() {
	says_wanted=$1
	shift
	says_output=$("$@" 2>&1)
	printf '%s\n' "$says_output" | grep -qE "$says_wanted" || {
		printf 'not found: %s\n%s\n' "$says_wanted" "$says_output"
		return 1
	}
}

# fails_saying WANTED COMMAND...: the command fails, and says that
fails_saying() {
	fails_wanted=$1
	shift
	if fails_output=$("$@" 2>&1); then
		printf 'it did not fail: %s\n' "$fails_output"
		return 1
	fi
	printf '%s\n' "$fails_output" | grep -qE "$fails_wanted" || {
		printf 'not found: %s\n%s\n' "$fails_wanted" "$fails_output"
		return 1
	}
}

# load_drivers: both modules; the PF's interface is pf
load_drivers() {
	modprobe weir && modprobe weirvf && name_pf
}

name_pf() {
	pf_netdev=$(netdev_of "$PF") || return 1
	[ "$pf_netdev" = pf ] || { ip link set dev "$pf_netdev" down && ip link set dev "$pf_netdev" name pf; }
}

# carrier_in NAMESPACE-OR-- INTERFACE: it has one, and the stack has noticed: up to a second later, until when frames go nowhere
# (noop)
carrier_in() {
	if [ "$1" = - ]; then
		ip -o link show dev "$2" 2>/dev/null
	else
		ip -n "$1" -o link show dev "$2" 2>/dev/null
	fi | grep -v 'qdisc noop ' | grep -q 'LOWER_UP.* state UP '
}

# place_vf N [ADDRESS/BITS...]: VF N into its namespace, up, with these addresses; waits for its carrier
place_vf() {
	place_number=$1
	shift
	place_netdev=$(wait_until 5 netdev_of "$(vf_address "$place_number")") || return 1
	[ -e "/run/netns/v$place_number" ] || ip netns add "v$place_number"
	ip link set dev "$place_netdev" netns "v$place_number" name vf || return 1
	{
		for place_address; do
			echo "address add $place_address dev vf"
		done
		echo "link set dev lo up"
		echo "link set dev vf up"
	} | ip -n "v$place_number" -batch - && wait_until 5 carrier_in "v$place_number" vf
}

# place_pf ADDRESS/BITS...: the PF up, with these addresses
place_pf() {
	for place_address; do
		ip address replace "$place_address" dev pf
	done
	ip link set dev pf up && wait_until 5 carrier_in - pf
}

# interface_of N: its name, there
interface_of() {
	[ "$1" = pf ] && echo pf || echo vf
}

# mac_of N: the MAC address of its interface
mac_of() {
	where "$1" cat "/sys/class/net/$(interface_of "$1")/address"
}

# where N COMMAND...: runs it in a VF's namespace, or where the PF is (N is pf)
where() {
	if [ "$1" = pf ]; then
		shift
		"$@"
	else
		in_vf "$@"
	fi
}

# completions_of N: frames that VF N's driver was told of, of which an aggregate is one
completions_of() {
	echo $(($(statistic "$1" vport_rx_frames) - $(statistic "$1" vport_rx_coalesced) + $(statistic "$1" vport_rx_aggregates)))
}

# ping_well N -c COUNT ARGUMENTS...: from there the first COUNT pings are answered, each once. With a deadline ping goes on until as
# many answers have come; without, it waits for the last one no longer than two round trips, which is nothing on a busy machine.
ping_well() {
	ping_from=$1
	shift
	# While the address is being asked for, pings wait for it, and in Linux later ones may pass them when the answer comes.
	for ping_to in "$@"; do :; done
	wait_until 20 reaches "$ping_from" "$ping_to" || echo "no answer from $ping_to at all"
	where "$ping_from" ping -w 20 "$@" >/tmp/ping.out 2>&1
	sed -n 's/.*icmp_seq=\([0-9]*\) ttl.*/\1/p' /tmp/ping.out | awk -v most="$2" '$1 <= most' | sort -n >/tmp/ping.answered
	seq "$2" | cmp -s - /tmp/ping.answered && return 0
	cat /tmp/ping.out
	for ping_at in "$ping_from" pf; do
		counted_at "$ping_at"
	done
	return 1
}

# counted_at N: what there is to say of an interface that lost something
counted_at() {
	echo "at $1: $(where "$1" cat "/sys/class/net/$(interface_of "$1")/carrier_changes") changes of the carrier"
	where "$1" ip neighbour
	where "$1" ethtool -S "$(interface_of "$1")" | grep -v ': 0$'
}

# reaches N ADDRESS: an address answers within three seconds
reaches() {
	where "$1" ping -q -c 1 -w 3 "$2" >/dev/null
}

# stranger N ADDRESS: an address does not answer for a second
stranger() {
	! where "$1" ping -q -c 2 -i 0.3 -W 1 "$2" >/dev/null
}

# has_ended PID: the process is no more, or nobody has asked yet how it ended
has_ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

# watch_begin NAME N ADDRESS: numbered pings from a VF's namespace (or from the PF: N is pf), ten a second, until watch_end NAME. The last
# 10 ms before each, ping spins: at fifty a second it would take half a processor.
watch_begin() {
	if [ "$2" = pf ]; then
		ping -n -i 0.1 "$3" >"/tmp/watch.$1" 2>&1 </dev/null &
	else
		# No function in between: the signal is ping's.
		ip netns exec "v$2" ping -n -i 0.1 "$3" >"/tmp/watch.$1" 2>&1 </dev/null &
	fi
	echo $! >"/tmp/watch.$1.pid"
}

# watch_answered NAME LEAST: there are so many answers
watch_answered() {
	[ "$(grep -c icmp_seq= "/tmp/watch.$1")" -ge "$2" ]
}

# watch_end NAME LEAST: ends them; none of the answers is missing, or came twice, or out of turn, and there are LEAST at least: if what was
# watched was over sooner, they are waited for
watch_end() {
	watch_pid=$(cat "/tmp/watch.$1.pid")
	wait_until 10 watch_answered "$1" "$2"
	sleep 1
	kill -INT "$watch_pid"
	wait_until 5 has_ended "$watch_pid" || return 1
	awk -v least="$2" '
		/icmp_seq=/ {
			match($0, /icmp_seq=[0-9]+/)
			number = substr($0, RSTART + 9, RLENGTH - 9) + 0
			if (/DUP/) { print "twice: " $0; bad = 1 }
			if (/Unreachable|unreachable/) { print $0; bad = 1 }
			if (number != last + 1) { print "after " last " comes " number; bad = 1 }
			last = number; count++
		}
		/packets transmitted/ {
			sent = $1
			# The last ones may have been on their way.
			if (sent - last > 3) { print sent " sent, the last answer is to " last; bad = 1 }
		}
		END {
			if (sent == "") { print "ping gives no summary"; bad = 1 }
			if (count < least) { print count + 0 " answers, expected " least " at least"; bad = 1 }
			print count + 0 " answers"
			exit bad
		}' "/tmp/watch.$1"
}

# serve_iperf NAMESPACE-OR-- PORT: an iperf3 server in the background; it listens when this returns
serve_iperf() {
	if [ "$1" = - ]; then
		iperf3 -s -p "$2" >/dev/null 2>&1 </dev/null &
		echo $! >>/tmp/iperf.pids
		wait_until 10 listens "$2"
	else
		ip netns exec "$1" iperf3 -s -p "$2" >/dev/null 2>&1 </dev/null &
		echo $! >>/tmp/iperf.pids
		wait_until 10 listens "$2" ip netns exec "$1"
	fi
}

# listens PORT [COMMAND...]: somebody takes TCP connections at that port; the command leads to where
listens() {
	listens_port=$1
	shift
	"$@" ss -Hltn "sport = :$listens_port" | grep -q .
}

end_iperf() {
	while read -r iperf_pid; do
		kill "$iperf_pid" 2>/dev/null
	done </tmp/iperf.pids
	: >/tmp/iperf.pids
}

# moves_data N ARGUMENTS...: an iperf3 client there gets its data through; prints how fast
moves_data() {
	data_from=$1
	shift
	where "$data_from" iperf3 --connect-timeout 5000 -f m "$@" >/tmp/iperf.out 2>&1 || {
		tail -n 5 /tmp/iperf.out
		return 1
	}
	grep -E 'receiver$' /tmp/iperf.out
}

# noise MEGABYTES: makes /tmp/noise
noise() {
	dd if=/dev/urandom of=/tmp/noise bs=1M count="$1" 2>/dev/null
}

# noise_arrives N ADDRESS PORT: /tmp/noise, sent over TCP by VF 0, arrives there as it is
noise_arrives() {
	# A standard input that stays open: nc hangs up when it ends.
	[ -p /tmp/open ] || mkfifo /tmp/open
	where "$1" busybox nc -l -p "$3" >/tmp/noise.got 8<>/tmp/open <&8 &
	noise_pid=$!
	wait_until 10 listens "$3" where "$1" || return 1
	in_vf 0 busybox nc -w 20 "$2" "$3" </tmp/noise
	wait "$noise_pid"
	cmp /tmp/noise /tmp/noise.got
}

# traffic_begin NAME N PORT ADDRESS: TCP from a VF's namespace without end; it starts again by itself when it breaks. $TRAFFIC: iperf3's
# options, such as a rate that leaves the emulated processors something for the rest
traffic_begin() {
	(
		while :; do
			# shellcheck disable=SC2086 # several options
			ip netns exec "v$2" iperf3 -c "$4" -p "$3" -t 600 --connect-timeout 1000 $TRAFFIC >/dev/null 2>&1
			usleep 200000
		done
	) </dev/null >/dev/null 2>&1 &
	echo $! >"/tmp/traffic.$1"
}

traffic_end() {
	traffic_pid=$(cat "/tmp/traffic.$1")
	# The loop first, then what it runs.
	kill -STOP "$traffic_pid"
	for traffic_child in $(children_of "$traffic_pid"); do
		kill -KILL "$traffic_child"
		wait_until 5 has_ended "$traffic_child"
	done
	kill -KILL "$traffic_pid"
}

# children_of PID: their ids (busybox' pkill takes no parent without a name)
children_of() {
	sed 's/(.*)//' /proc/[0-9]*/stat 2>/dev/null | awk -v parent="$1" '$3 == parent { print $1 }'
}

# statistic N NAME, statistic pf NAME: a counter of ethtool -S
statistic() {
	where "$1" ethtool -S "$(interface_of "$1")" | sed -n "s/^ *$2: //p"
}

# wire COMMAND...: asks the other end of the cable (tests/guest/net/wire.py); prints its answer. Not inside tap_run's command:
# its output is not the job's.
wire() {
	echo "wire: $*" >&9
	read -r wire_answer <&9
	echo "$wire_answer"
}
# The job's serial line, whatever a command's own output is.
exec 9<>/dev/ttyS1

# frame DESTINATION SOURCE [TPID TCI] ETHERTYPE [PAYLOAD]: hexadecimal digits of a frame, padded
frame() {
	frame_digits=$(printf '%s' "$@" | tr -d ':')
	while [ ${#frame_digits} -lt 120 ]; do
		frame_digits=${frame_digits}00
	done
	echo "$frame_digits"
}

# listen_begin N FILE EXPRESSION...: a tcpdump there, not promiscuous of itself; it hears when this returns. listen_end ends it.
listen_begin() {
	listen_at=$1 listen_file=$2
	shift 2
	# No function in between, nor busybox's timeout, which would find its own ip: the process is tcpdump's.
	if [ "$listen_at" = pf ]; then
		tcpdump -p -n -e -U --immediate-mode -i pf "$@" >"$listen_file" 2>&1 </dev/null &
	else
		ip netns exec "v$listen_at" tcpdump -p -n -e -U --immediate-mode -i vf "$@" >"$listen_file" 2>&1 </dev/null &
	fi
	listen_pid=$!
	wait_until 5 grep -q 'listening on' "$listen_file"
}

listen_end() {
	kill -INT "$listen_pid" 2>/dev/null
	wait "$listen_pid"
}

arrives_frame=
# arrives N EXPRESSION...: the frame in $arrives_frame, sent from the other end of the wire, comes to an interface within 2 s, where
# tcpdump knows it by the expression
arrives() {
	arrives_at=$1
	shift
	listen_begin "$arrives_at" /tmp/arrives -c 1 "$@" || return 1
	wire send "$arrives_frame" >/dev/null
	wait_until 2 grep -q '^1 packet captured' /tmp/arrives
	arrives_result=$?
	listen_end
	return $arrives_result
}

# misses N EXPRESSION...: the opposite
misses() {
	! arrives "$@"
}

# queues_of N: the frames that each receive queue of its interface got, a line each
queues_of() {
	where "$1" ethtool -S "$(interface_of "$1")" | sed -n 's/^ *rx_queue_\([0-9]*\)_packets: /\1 /p'
}

# queue_gets QUEUE NAME COMMAND...: while the command runs, which makes some 250 frames for VF 1, these come to this queue of it, and
# hardly any (a control connection's) to any other
queue_gets() {
	gets_queue=$1 gets_name=$2
	shift 2
	queues_of 1 >/tmp/queues.before
	"$@" >/tmp/sender.out 2>&1 || {
		tail -n 3 /tmp/sender.out
		return 1
	}
	queues_of 1 >/tmp/queues.after
	paste -d ' ' /tmp/queues.before /tmp/queues.after | awk -v wanted="$gets_queue" -v flow="$gets_name" '
		{ more = $4 - $2; if ($1 == wanted) here = more; else elsewhere += more }
		END { print flow ": " here + 0 " frames in queue " wanted ", " elsewhere + 0 " elsewhere"; exit !(here > 230 && elsewhere < 80) }'
}

# lands QUEUE SOURCE SOURCE-PORT DESTINATION DESTINATION-PORT: a UDP flow from VF 0 comes to this queue of VF 1
lands() {
	queue_gets "$1" "$2:$3" in_vf 0 iperf3 --connect-timeout 5000 -u -b 4M -l 1000 -n 250K -B "$2" --cport "$3" -c "$4" -p "$5"
}
