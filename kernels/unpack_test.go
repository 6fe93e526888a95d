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
