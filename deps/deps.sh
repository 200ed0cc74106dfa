#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Makes sure that this machine has what the tree needs: the Debian packages of deps/packages.txt, then what each executable
# deps/fetch-*.sh puts under build/deps. Run by make before demo, check, check-all, bench and lint.
#
# When nothing is missing it changes nothing, needs neither root nor network, and takes some ten milliseconds:
# build/deps/stamp holds a hash of these files and of the installed versions (QEMU's and DPDK's sources must match them).
# Logs: build/deps/log/. To fetch everything anew: rm -r build/deps.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

mapfile -t wanted < <(sed 's/#.*//' deps/packages.txt | tr -s ' \t' '\n' | sed '/^$/d' | sort -u)

# One line a package: name, version, status; a package that dpkg never heard of has none.
installed() {
	dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true
}

missing() {
	comm -23 <(printf '%s\n' "${wanted[@]}") <(installed | awk '$3 == "installed" { print $1 }' | sort -u)
}

# What the stamp must say: the hash, then what lay in build/deps when it was written and must still be there.
stamp_is_current() {
	local entry
	[ -r build/deps/stamp ] || return 1
	{
		read -r entry && [ "$entry" = "$1" ] || return 1
		while read -r entry; do
			[ -e "build/deps/$entry" ] || return 1
		done
	} <build/deps/stamp
}

stamp_key() {
	{
		cat deps/packages.txt deps/*.sh
		installed
	} | sha256sum | cut -d ' ' -f 1
}

exit_if_current() {
	if [ -z "$(missing)" ] && stamp_is_current "$(stamp_key)"; then
		exit 0
	fi
}

exit_if_current
mapfile -t absent < <(missing)
if [ "${#absent[@]}" -gt 0 ] && [ "$(id -u)" -ne 0 ]; then
	echo "deps: these Debian packages are missing; run 'sudo make deps' once:" >&2
	echo "  ${absent[*]}" >&2
	exit 1
fi
if ! mkdir -p build/deps/log || ! [ -w build/deps/log ] || ! exec 9>>build/deps/lock; then
	echo "deps: build/deps is out of date and not ours to write: run 'sudo make deps' once" >&2
	exit 1
fi
# Whoever held the lock may have done it all.
flock 9
exit_if_current

# run NAME COMMAND...: its output goes to build/deps/log/NAME.log, and to the user when it fails
run() {
	local name=$1 log=build/deps/log/$1.log
	shift
	if ! "$@" >"$log" 2>&1 </dev/null 9>&-; then
		echo "deps: $name failed; the end of $log:" >&2
		tail -n 20 "$log" >&2
		exit 1
	fi
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=1800 \
		-o Dpkg::Options::=--force-confold "$@"
}

# Lists may be absent (a fresh image) or so old that the archive no longer has what they name.
install_missing() {
	if ! apt-cache show -- "$@" >/dev/null 2>&1 || ! apt_install "$@"; then
		apt-get update -q -o DPkg::Lock::Timeout=1800
		apt_install "$@"
	fi
}

mapfile -t absent < <(missing)
if [ "${#absent[@]}" -gt 0 ]; then
	echo "  DEPS     installing ${#absent[@]} Debian packages"
	run packages install_missing "${absent[@]}"
fi

for script in deps/fetch-*.sh; do
	[ -x "$script" ] || continue
	name=${script#deps/}
	echo "  DEPS     ${name%.sh}"
	run "${name%.sh}" "$script"
done

{
	stamp_key
	find build/deps -mindepth 1 -maxdepth 1 ! -name 'stamp*' -printf '%f\n'
} >build/deps/stamp.new
mv build/deps/stamp.new build/deps/stamp
