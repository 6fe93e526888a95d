package vmtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestArguments(t *testing.T) {
	tests := map[string]Machine{
		"tcg":   {Memory: leastMemory},
		"kvm":   {Accel: KVM, CPUs: 4, Memory: 1024, Append: "earlyprintk=ttyS0"},
		"shell": {Memory: leastMemory, Shell: struct{ *os.File }{}},
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			m = m.filled()
			got := strings.Join(m.arguments("/cache/vmlinux", 2299976), "\n") + "\n"
			golden := filepath.Join("testdata", "args-"+name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("arguments are\n%swant\n%s", got, want)
			}
		})
	}
}

func TestMemoryFor(t *testing.T) {
	for mib, want := range map[int64]int{0: 512, 35: 512, 128: 512, 129: 576, 190: 640, 500: 1280} {
		if got := memoryFor(mib << 20); got != want {
			t.Errorf("an initramfs of %d MiB gets %d MiB, want %d", mib, got, want)
		}
	}
}
