package source

import "testing"

const twoFiles = `From: somebody
---
diff --git a/net/core/skmsg.c b/net/core/skmsg.c
--- a/net/core/skmsg.c
+++ b/net/core/skmsg.c
@@ -10,3 +10,4 @@ int a(void)
@@ -40 +41,2 @@ int b(void)
diff --git a/net/core/sock_map.c b/net/core/sock_map.c
--- a/net/core/sock_map.c
+++ b/net/core/sock_map.c
@@ -10,3 +10,4 @@ int c(void)
@@ -100,7 +101,8 @@ int d(void)
@@ -0,0 +1,2 @@
`

// What the disk or memory brings about says nothing of a patch.
func TestPatchAndHost(t *testing.T) {
	for said, host := range map[string]bool{
		"": true,
		"fatal: unable to write loose object file: No space left on device\n":    true,
		"fatal: Out of memory, malloc failed (tried to allocate 10 bytes)\n":     true,
		"fatal: Unable to create '/c/index.lock': Read-only file system\n":       true,
		"error: patch failed: net/x.c:1\nerror: net/x.c: patch does not apply\n": false,
		"error: corrupt patch at line 7\n":                                       false,
		"error: No valid patches in input (allow with \"--allow-empty\")\n":      false,
		"error: net/x.c: does not exist in index\n":                              false,
	} {
		if got := (&gitError{said: said}).host(); got != host {
			t.Errorf("%q: host %v, want %v", said, got, host)
		}
	}
}

func TestWhyNot(t *testing.T) {
	for name, c := range map[string]struct{ said, want string }{
		"a hunk": {
			"Checking patch net/core/skmsg.c...\nChecking patch net/core/sock_map.c...\nerror: while searching for:\n\tif (x)\n\t\treturn;\n\nerror: patch failed: net/core/sock_map.c:100\nerror: net/core/sock_map.c: patch does not apply\n",
			"does not apply: hunk 2 of 3 of net/core/sock_map.c, for line 100; the tree does not have these lines there:\n    | \tif (x)\n    | \t\treturn;",
		},
		"line 0 is told as 1": {
			"error: patch failed: net/core/sock_map.c:1\n",
			"does not apply: hunk 3 of 3 of net/core/sock_map.c, for line 1",
		},
		"the other file": {
			"error: patch failed: net/core/skmsg.c:40\nerror: net/core/skmsg.c: patch does not apply\n",
			"does not apply: hunk 2 of 2 of net/core/skmsg.c, for line 40",
		},
		"no such file": {"error: net/x.c: does not exist in index\n", "does not apply: net/x.c: does not exist in index"},
		"no patch":     {"error: corrupt patch at line 7\n", "does not apply: corrupt patch at line 7"},
	} {
		if got := whyNot(c.said, twoFiles); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
