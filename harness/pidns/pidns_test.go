package pidns

import (
	"os"
	"slices"
	"testing"
)

func TestParseStatus(t *testing.T) {
	tests := []struct {
		name, text string
		want       []int
	}{
		{"the host's", "Name:\tx\nPid:\t4711\nNSpid:\t4711\nNSpgid:\t4711\n", []int{4711}},
		{"a container's", "NStgid:\t4711\t1\nNSpid:\t4711\t1\n", []int{4711, 1}},
		{"a container in a container's", "NSpid:\t4711\t12\t1\n", []int{4711, 12, 1}},
		{"no line", "Name:\tNSpid\n", nil},
		{"no number", "NSpid:\n", nil},
		{"not a number", "NSpid:\tx\n", nil},
	}
	for _, test := range tests {
		got, err := parseStatus(test.text)
		if !slices.Equal(got, test.want) || (err == nil) != (test.want != nil) {
			t.Errorf("%s: %v, %v; want %v", test.name, got, err, test.want)
		}
	}
}

func TestName(t *testing.T) {
	ns := Namespace{Dev: 4, Inode: 4026532181}
	for _, test := range []struct {
		numbers []int
		want    string
	}{
		{[]int{4711}, "process 4711"},
		{[]int{4711, 12}, "process 4711, 12 in pid:[4026532181]"},
		{[]int{4711, 12, 1}, "process 4711, 12 and 1 in pid:[4026532181]"},
	} {
		if got := name(test.numbers, ns); got != test.want {
			t.Errorf("%v: %q, want %q", test.numbers, got, test.want)
		}
	}
}

// This process has a number, and is found by it.
func TestOwnProcess(t *testing.T) {
	ns, err := Own()
	if err != nil {
		t.Fatal(err)
	}
	if host, err := ns.Host(os.Getpid()); err != nil || host != os.Getpid() {
		t.Errorf("Host(%d) = %d, %v", os.Getpid(), host, err)
	}
	if other, err := Of(os.Getpid()); err != nil || other != ns {
		t.Errorf("Of(%d) = %v, %v; want %v", os.Getpid(), other, err, ns)
	}
	if _, err := ns.Host(1 << 30); err == nil {
		t.Error("a process was found that cannot be")
	}
}
