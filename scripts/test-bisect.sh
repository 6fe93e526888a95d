#!/usr/bin/env bash
# Runs the tests that build kernels, and closes on the time and the cache's size.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

export KREPRO_VM_TESTS=1 KREPRO_NET_TESTS=1 KREPRO_BUILD_TESTS=1
SECONDS=0
go test -count=1 -timeout 4h -v -run '^TestTree' ./cmd/krepro 2>&1 | tee build/test-bisect.log | grep -E '^ *--- |^(ok|FAIL|panic)'
status=${PIPESTATUS[0]}
printf 'took %d min %d s; ' $((SECONDS / 60)) $((SECONDS % 60))
du -sh "${KREPRO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/krepro}"
exit "$status"
