#!/usr/bin/env bash
# Lint: formatting, go vet, staticcheck, and generated code against its source.
set -euo pipefail
cd "$(dirname "$0")/.."

unformatted=$(gofmt -l bpf cmd harness kernels suites vmtest)
[ -z "$unformatted" ] || { echo "gofmt: not formatted: $unformatted" >&2; exit 1; }
go vet ./...
go tool staticcheck ./...
scripts/generated.sh
echo "check: clean"
