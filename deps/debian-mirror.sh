# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Suites of Debian that this machine is not set up with, from the mirror that serves its bookworm; sourced by scripts.
#
#	. deps/debian-mirror.sh
#	debian_line trixie
#	use_suite trixie-backports build/deps/guest/apt-backports && apt-get "${apt_options[@]}" download linux-source-7.2

# debian_line SUITE: prints a line for apt's sources. Returns 1, and says why, when there is no such mirror.
debian_line() {
	local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg option=""

	# shellcheck disable=SC2016 # the words in dollar signs are apt's
	mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
		awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
	if [ -z "$mirror" ]; then
		echo "no Debian 12 (bookworm) main among this machine's package sources, or they were never read: run apt-get update" >&2
		return 1
	fi
	[ ! -r "$keyring" ] || option="[signed-by=$keyring] "
	echo "deb ${option}${mirror} $1 main"
}

# use_suite SUITE FOLDER: sets apt_options, with which apt-get and apt-cache know nothing but that suite, and reads its lists anew.
# They are kept in FOLDER; nothing under /etc/apt is touched.
use_suite() {
	local line

	line=$(debian_line "$1") || return 1
	mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
	echo "$line" >"$2/sources.list"
	apt_options=(
		-o "APT::Sandbox::User=root"
		-o "Debug::NoLocking=1"
		-o "Dir::Etc::SourceList=$2/sources.list"
		-o "Dir::Etc::SourceParts=/dev/null"
		-o "Dir::State::Lists=$2/lists"
		-o "Dir::Cache=$2/cache"
		-o "APT::Get::List-Cleanup=0"
	)
	apt-get "${apt_options[@]}" update
}
