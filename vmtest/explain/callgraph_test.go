package explain

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// What recvmsg calls on 5.10.218-1 as it finds nothing to read, of a socket
// with its psock and of one without.
var (
	goodGraph = []string{
		"inet_recvmsg",
		"  tcp_bpf_recvmsg",
		"    lock_sock_nested",
		"      _cond_resched",
		"      _raw_spin_lock_bh",
		"      __local_bh_enable_ip",
		"    __tcp_bpf_recvmsg",
		"    release_sock",
		"      tcp_release_cb",
	}
	stuckGraph = []string{
		"inet_recvmsg",
		"  tcp_recvmsg",
		"    lock_sock_nested",
		"      _cond_resched",
		"      _raw_spin_lock_bh",
		"      __local_bh_enable_ip",
		"    tcp_cleanup_rbuf",
		"    release_sock",
		"      tcp_release_cb",
	}
)

func TestCompare(t *testing.T) {
	same := func(line string) Row { return Row{Left: line, Right: line} }
	differ := func(left, right string) Row { return Row{Left: left, Right: right, Differs: true} }
	first := func(r Row) Row { r.First = true; return r }
	for _, test := range []struct {
		name        string
		good, stuck []string
		want        []Row
	}{
		{"nothing", nil, nil, nil},
		{"alike", []string{"a", "  b"}, []string{"a", "  b"}, []Row{same("a"), same("  b")}},
		{"only one", []string{"a"}, nil, []Row{first(differ("a", ""))}},
		{"another call in one's place", goodGraph, stuckGraph, []Row{
			same("inet_recvmsg"),
			first(differ("  tcp_bpf_recvmsg", "  tcp_recvmsg")),
			same("    lock_sock_nested"), same("      _cond_resched"), same("      _raw_spin_lock_bh"), same("      __local_bh_enable_ip"),
			differ("    __tcp_bpf_recvmsg", "    tcp_cleanup_rbuf"),
			same("    release_sock"), same("      tcp_release_cb"),
		}},
		{"calls of one side only", []string{"a", "  b", "  c"}, []string{"a", "  x", "  y", "  c", "  d"}, []Row{
			same("a"), first(differ("  b", "  x")), differ("", "  y"), same("  c"), differ("", "  d"),
		}},
		{"the same name at another depth", []string{"a", "  b"}, []string{"a", "    b"}, []Row{
			same("a"), first(differ("  b", "    b")),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Compare(test.good, test.stuck); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got\n%swant\n%s", SideBySide(got, 80), SideBySide(test.want, 80))
			}
		})
	}
}

// Beyond the bound lines are kept, though not aligned.
func TestCompareLong(t *testing.T) {
	var long []string
	for i := range 3 * maxCompared {
		long = append(long, fmt.Sprint("call", i))
	}
	rows := Compare(long, long[1:])
	if len(rows) != len(long)+1 || !rows[0].First || rows[1].Differs {
		t.Fatalf("%d rows, the first %+v, %+v", len(rows), rows[0], rows[1])
	}
	var left, right []string
	for _, r := range rows {
		left, right = append(left, r.Left), append(right, r.Right)
	}
	if got := strings.Fields(strings.Join(left, " ")); !reflect.DeepEqual(got, long) {
		t.Error("lines of the left side were lost")
	}
	if got := strings.Fields(strings.Join(right, " ")); !reflect.DeepEqual(got, long[1:]) {
		t.Error("lines of the right side were lost")
	}
}

func TestSideBySide(t *testing.T) {
	for _, test := range []struct {
		name  string
		rows  []Row
		width int
		want  string
	}{
		{"nothing", nil, 80, ""},
		{"5.10.218-1", Compare(goodGraph, stuckGraph), 60, `
inet_recvmsg                   inet_recvmsg
-- first difference ---------------------------------------
  tcp_bpf_recvmsg            |   tcp_recvmsg
    lock_sock_nested               lock_sock_nested
      _cond_resched                  _cond_resched
      _raw_spin_lock_bh              _raw_spin_lock_bh
      __local_bh_enable_ip           __local_bh_enable_ip
    __tcp_bpf_recvmsg        |     tcp_cleanup_rbuf
    release_sock                   release_sock
      tcp_release_cb                 tcp_release_cb
`},
		{"one side only, names cut", Compare([]string{"a", "  b_recvmsg", "c"}, []string{"a", "c", "  d_recvmsg"}), 0, `
a          a
-- first differenc…
  b_rec… <
c          c
         >   d_rec…
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := SideBySide(test.rows, test.width); got != strings.TrimPrefix(test.want, "\n") {
				t.Errorf("got\n%s", got)
			}
		})
	}
}
