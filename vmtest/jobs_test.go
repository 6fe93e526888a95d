package vmtest

import "testing"

func TestJobs(t *testing.T) {
	tests := []struct{ processors, free, cpus, memory, want int }{
		{2, 23000, 2, 512, 1},
		{16, 64000, 2, 512, 8},
		{16, 4000, 2, 512, 3}, // memory binds
		{1, 64000, 2, 512, 1}, // one VM always
		{8, 100, 1, 512, 1},
	}
	for _, test := range tests {
		if got := jobs(test.processors, test.free, test.cpus, test.memory); got != test.want {
			t.Errorf("jobs(%d, %d, %d, %d) = %d, want %d", test.processors, test.free, test.cpus, test.memory, got, test.want)
		}
	}
}

func TestDefaultJobs(t *testing.T) {
	if n, err := (Machine{}).DefaultJobs(); err != nil || n < 1 {
		t.Errorf("DefaultJobs: %d, %v", n, err)
	}
}
