package debian

import (
	"slices"
	"testing"
)

const changelog = `linux-signed-amd64 (5.10.223+1) bullseye-security; urgency=high

  * Sign kernel from linux 5.10.223-1

  * New upstream stable update:
    https://www.kernel.org/pub/linux/kernel/v5.x/ChangeLog-5.10.222
    - Compiler Attributes: Add __uninitialized macro
    - bpf, sockmap: Fix sk->sk_forward_alloc warn_on in
      sk_stream_kill_queues
    https://www.kernel.org/pub/linux/kernel/v5.x/ChangeLog-5.10.223
    - [x86] a later one

  [ A Maintainer ]
  * d/changelog: typo

 -- A Maintainer <a@example.org>  Sat, 10 Aug 2024 08:09:26 +0200

linux (5.10.221-1) bullseye-security; urgency=high

  * New upstream stable update:
    - older
linux (5.10.218-1) bullseye-security; urgency=high

  * not any more
`

func TestSince(t *testing.T) {
	want := []Item{
		{"Sign kernel from linux 5.10.223-1", ""},
		{"New upstream stable update:", ""},
		{"Compiler Attributes: Add __uninitialized macro", "5.10.222"},
		{"bpf, sockmap: Fix sk->sk_forward_alloc warn_on in sk_stream_kill_queues", "5.10.222"},
		{"[x86] a later one", "5.10.223"},
		{"d/changelog: typo", ""},
		{"New upstream stable update:", ""},
		{"older", ""},
	}
	got := Since(changelog, "5.10.218-1")
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%+v\nwant:\n%+v", got, want)
	}
	if all := Since(changelog, "5.10.1-1"); len(all) != len(want)+1 {
		t.Errorf("%d items since the beginning, want %d", len(all), len(want)+1)
	}
}
