// Package bpf holds the BPF programs and the Go that bpf2go made of them. One C
// file is one behaviour; its knobs and counters are globals, so that one loaded
// object serves every configuration.
//
// The objects and the generated Go are committed: building krepro needs no
// clang. They relocate (CO-RE) against the structs in event.KernelTypes only.
package bpf

//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type sock_key -type address -type refusal -type member Sockops sockops.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type life -type moment Observe observe.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" Symbols symbols.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type entry_socket Entries entries.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type way -type traffic Latency latency.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type target Sweep sweep.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" -type connect_event Connect connect.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" Verdict verdict.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" Pidns pidns.c
//go:generate go tool bpf2go -target amd64 -cc clang -cflags "-O2 -g -Wall -Werror -I/usr/include/x86_64-linux-gnu" Cost cost.c
