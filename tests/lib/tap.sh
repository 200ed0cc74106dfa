# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
# TAP for shell suites; plain sh, so that it runs in a guest's busybox too. Source it:
#
#	. tests/lib/tap.sh
#	tap_run guest.link.carrier_comes_up ip link show up dev weir0
#	if [ -e /dev/vfio ]; then tap_ok a.b.c; else tap_not_ok a.b.c "no /dev/vfio"; fi
#	tap_done
#
# tests/run.py takes the plan that tap_done prints as the sign that the suite got to its end.

TAP_COUNT=0
TAP_FAILED=0

# tap_ok NAME
tap_ok() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1"
}

# tap_not_ok NAME WHY...
tap_not_ok() {
	TAP_COUNT=$((TAP_COUNT + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	tap_name=$1
	shift
	echo "not ok $TAP_COUNT - $tap_name # $(printf '%s' "$*" | tr '\n' ' ')"
}

# tap_skip NAME WHY...: what is missing here
tap_skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	tap_name=$1
	shift
	echo "ok $TAP_COUNT - $tap_name # SKIP $*"
}

# tap_run NAME COMMAND...: ok when the command exits 0; its output goes to the log as comments. Returns the command's exit code.
tap_run() {
	tap_name=$1
	shift
	echo "# begin $tap_name"
	tap_output=$("$@" 2>&1)
	tap_code=$?
	[ -z "$tap_output" ] || printf '%s\n' "$tap_output" | sed 's/^/#   /'
	if [ "$tap_code" -eq 0 ]; then
		tap_ok "$tap_name"
	else
		tap_not_ok "$tap_name" "exit code $tap_code: $(printf '%s\n' "$tap_output" | tail -n 1)"
	fi
	return "$tap_code"
}

# tap_done: prints the plan and ends the script, non-zero when a test failed
tap_done() {
	echo "1..$TAP_COUNT"
	[ "$TAP_FAILED" -eq 0 ]
	exit
}
