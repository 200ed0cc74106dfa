# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Debian source packages of exactly the version that is installed; sourced by deps/fetch-*.sh.
#
#	. deps/debian-source.sh
#	unpack_source_of qemu-system-x86 build/deps/qemu
#
# The machine's own apt set-up stays untouched: its deb lines, whatever host they name, are turned into deb-src lines of a
# private sources file with private lists under build/deps/apt.

DEBIAN_SOURCE_APT=$PWD/build/deps/apt

# apt-get that knows only the private deb-src lines
private_apt_get() {
	apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$DEBIAN_SOURCE_APT/sources.list.d" \
		-o Dir::State::Lists="$DEBIAN_SOURCE_APT/lists" -o Dir::Cache="$DEBIAN_SOURCE_APT/cache" \
		-o APT::Sandbox::User="$(id -un)" "$@"
}

# Writes the private deb-src lines from the machine's deb lines, one-line style and deb822 style, and gets their lists.
# A repository without sources makes apt complain; whether that matters shows when a source is looked up.
private_apt_update() {
	local list parts file to=$DEBIAN_SOURCE_APT/sources.list.d
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	rm -rf "$to"
	mkdir -p "$to" "$DEBIAN_SOURCE_APT/lists/partial" "$DEBIAN_SOURCE_APT/cache/archives/partial"
	for file in "$list" "$parts"/*.list; do
		[ -r "$file" ] || continue
		sed -n 's/^[[:space:]]*deb\([[:space:]]\)/deb-src\1/p' "$file" >"$to/$(basename "$file")"
	done
	for file in "$parts"/*.sources; do
		[ -r "$file" ] || continue
		sed 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$to/$(basename "$file")"
	done
	private_apt_get update || echo "apt-get update had errors; going on with what it got"
}

# source_is_known SOURCE VERSION: whether the private lists offer it
source_is_known() {
	private_apt_get --only-source --print-uris --download-only source "$1=$2" >/dev/null 2>&1
}

# download_source SOURCE VERSION: into the current folder, checked by apt against the signed lists
download_source() {
	private_apt_get --only-source --download-only source "$1=$2"
}

# The archive keeps only the newest version: when the installed one is gone from it, the packages built from that source are
# brought up to date, so that binary and source are the same again.
upgrade_packages_of_source() {
	local packages
	mapfile -t packages < <(dpkg-query -W -f '${Package} ${source:Package} ${db:Status-Status}\n' |
		awk -v source="$1" '$2 == source && $3 == "installed" { print $1 }')
	echo "upgrading ${packages[*]}: the archive has no source of the installed version"
	apt-get update -q -o DPkg::Lock::Timeout=1800
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --only-upgrade --no-install-recommends \
		-o DPkg::Lock::Timeout=1800 "${packages[@]}"
}

# installed_source PACKAGE: prints "SOURCE VERSION" of an installed package; both are the source package's
installed_source() {
	dpkg-query -W -f '${source:Package} ${source:Version}\n' "$1" | head -n 1
}

# unpack_source_of PACKAGE FOLDER: leaves the patched source of the installed PACKAGE as FOLDER/src.new and its version in
# UNPACKED_VERSION, for the caller to trim and to put in place with finish_source. Returns 1 when FOLDER is already current.
unpack_source_of() {
	local package=$1 folder=$2 name version
	read -r name version < <(installed_source "$package")
	if [ "$(cat "$folder/version" 2>/dev/null)" = "$version" ]; then
		return 1
	fi
	if ! source_is_known "$name" "$version"; then
		private_apt_update
		if ! source_is_known "$name" "$version" && [ "$(id -u)" -eq 0 ]; then
			upgrade_packages_of_source "$name"
			read -r name version < <(installed_source "$package")
		fi
	fi
	rm -rf "$folder"
	mkdir -p "$folder/download"
	if ! (cd "$folder/download" && download_source "$name" "$version"); then
		echo "no source of $name $version in the archives of this machine: is $package up to date?" >&2
		exit 1
	fi
	dpkg-source --no-check --no-copy -x "$folder"/download/*.dsc "$folder/src.new"
	rm -rf "$folder/download"
	UNPACKED_VERSION=$version
}

# finish_source FOLDER: FOLDER/src.new becomes FOLDER/src, and FOLDER is current from now on
finish_source() {
	rm -rf "$1/src"
	mv "$1/src.new" "$1/src"
	echo "$UNPACKED_VERSION" >"$1/version"
}
