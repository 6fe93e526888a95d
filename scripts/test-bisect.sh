#!/usr/bin/env bash
# Runs the tests that build kernels, and closes on the time and the cache's size.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

cache=${KREPRO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/krepro}

# The kernel's own reader of test results, out of a source that the tests have fetched.
kunit() {
	mkdir -p build/kunit
	git -C "$cache/sources/debian-6.12.117-1" archive imported tools/testing/kunit | tar -xC build/kunit || return
	KREPRO_KUNIT=$PWD/build/kunit/tools/testing/kunit/kunit.py go test -count=1 -v -run KUnit ./vmtest/report | grep -E '^(---|ok|FAIL)'
	return "${PIPESTATUS[0]}"
}

export KREPRO_VM_TESTS=1 KREPRO_NET_TESTS=1 KREPRO_BUILD_TESTS=1
SECONDS=0
go test -count=1 -timeout 4h -v -run '^TestTree' ./cmd/krepro 2>&1 | tee build/test-bisect.log | grep -E '^ *--- |^(ok|FAIL|panic)'
status=${PIPESTATUS[0]}
[ "$status" -ne 0 ] || kunit || status=1
printf 'took %d min %d s; ' $((SECONDS / 60)) $((SECONDS % 60))
du -sh "$cache"
exit "$status"
