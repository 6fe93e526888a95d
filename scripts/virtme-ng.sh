#!/usr/bin/env bash
# Installs virtme-ng and what it needs on the host. Debian 12 has no package of it;
# that of 13, which is Python alone, runs there.
set -euo pipefail

static() { command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }
command -v vng >/dev/null && static && command -v udevadm >/dev/null && exit 0

sudo=(); [ "$(id -u)" = 0 ] || sudo=(sudo)
export DEBIAN_FRONTEND=noninteractive
echo "virtme-ng: installing"
package=virtme-ng
"${sudo[@]}" apt-get update -q >/dev/null || true # one source of many may fail: the packages will tell
if ! apt-cache policy virtme-ng | grep -q 'Candidate: [^(]'; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	# shellcheck disable=SC2016 # apt fills it in
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | sed -n 1p)
	mkdir -p "$dir"/lists/partial "$dir"/cache/archives/partial
	echo "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >"$dir/sources.list"
	apt=(apt-get -q -o "Dir::Etc::sourcelist=$dir/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/lists"
		-o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
	"${apt[@]}" update >/dev/null
	(cd "$dir" && "${apt[@]}" download virtme-ng >/dev/null)
	chmod 755 "$dir"
	package=$(echo "$dir"/virtme-ng_*.deb)
fi
"${sudo[@]}" apt-get install -qy --no-install-recommends busybox-static udev "$package" >/dev/null
