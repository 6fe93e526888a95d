package kernels

import "testing"

func TestPlace(t *testing.T) {
	for name, want := range map[string]string{
		"./boot/vmlinuz-5.10.0-30-cloud-amd64":               "vmlinuz",
		"./boot/config-5.10.0-30-cloud-amd64":                "config",
		"./boot/System.map-5.10.0-30-cloud-amd64":            "System.map",
		"./boot/initrd.img":                                  "",
		"./boot/sub/vmlinuz-1":                               "",
		"./lib/modules/5.10.0-30/kernel/net/x.ko":            "lib/modules/5.10.0-30/kernel/net/x.ko",
		"./usr/lib/modules/7.2.13+deb14/kernel/net/x.ko.xz":  "lib/modules/7.2.13+deb14/kernel/net/x.ko.xz",
		"usr/lib/modules/7.2.13+deb14/vmlinuz":               "vmlinuz",
		"usr/lib/modules/7.3.4+deb13/vmlinuz.unsigned":       "vmlinuz",
		"usr/lib/modules/7.2.13+deb14/config":                "config",
		"usr/lib/modules/7.2.13+deb14/System.map":            "System.map",
		"usr/lib/modules/7.2.13+deb14/modules.builtin":       "lib/modules/7.2.13+deb14/modules.builtin",
		"./lib/modules/":                                     "",
		"./lib/modules/5.10.0-30/":                           "",
		"./usr/share/doc/linux-image-5.10.0-30/copyright":    "",
		"./lib/modules/../../../etc/passwd":                  "",
		"../../lib/modules/5.10.0-30/../../../../etc/shadow": "",
		"./lib/modules/5.10.0-30/kernel/../../../../../../x": "",
		"./lib/modules/5.10.0-30/kernel/../vmlinuz":          "vmlinuz",
		"./etc/modprobe.d/x.conf":                            "",
	} {
		got, ok := place(name)
		if got != want || ok != (want != "") {
			t.Errorf("place(%s) = %q, %t, want %q", name, got, ok, want)
		}
	}
}

func TestBanner(t *testing.T) {
	data := "\x00Linux version %s (%s)\x00x\x00Linux version 6.1.0-56-cloud-amd64 (a@b) # SMP Debian 6.1.192-2 (2026-11-16)\n\x00"
	if got, want := banner([]byte(data)), "Linux version 6.1.0-56-cloud-amd64 (a@b) # SMP Debian 6.1.192-2 (2026-11-16)"; got != want {
		t.Errorf("banner is %q, want %q", got, want)
	}
	if got := banner([]byte("nothing")); got != "" {
		t.Errorf("banner is %q, want none", got)
	}
}

// A boot image of Debian says which package it is from, after the compiler's own version.
func TestFileNames(t *testing.T) {
	for _, test := range []struct{ release, banner, version, pkg string }{
		{"5.10.0-30-cloud-amd64", "Linux version 5.10.0-30-cloud-amd64 (a@b) (gcc-10 (Debian 10.2.1-6) 10.2.1 20210110, GNU ld) #1 SMP Debian 5.10.218-1 (2024-06-01)", "5.10.218", "5.10.218-1"},
		{"7.2.13+deb14-cloud-amd64", "Linux version 7.2.13+deb14-cloud-amd64 (a@b) (gcc-16 (Debian 16.1.0-2) 16.1.0) #1 SMP PREEMPT_DYNAMIC Debian 7.2.13-1 (2026-10-01)", "7.2.13", "7.2.13-1"},
		{"6.6.0-rc3", "Linux version 6.6.0-rc3 (me@here) (gcc (Debian 12.2.0-14) 12.2.0) #7 SMP Mon Mar 2 10:00:00 UTC 2026", "6.6.0-rc3", ""},
	} {
		img := Image{}
		img.Release, img.Banner = test.release, test.banner
		img.name("0123456789abcdef")
		if img.Version != test.version || img.Package != test.pkg {
			t.Errorf("%s: version %q, package %q; want %q, %q", test.release, img.Version, img.Package, test.version, test.pkg)
		}
	}
}
