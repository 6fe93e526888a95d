#!/usr/bin/env bash
# Lint: formatting, go vet, staticcheck, and generated code against its source.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l bpf cmd docs harness kernels suites vmtest)
[ -z "$unformatted" ] || { echo "gofmt: not formatted: $unformatted" >&2; exit 1; }
go vet ./...
go tool staticcheck ./...
(cd docs/ci/check && go test -count=1 -v . | grep -vE '^(=== |PASS)')
scripts/generated.sh
echo "check: clean"
