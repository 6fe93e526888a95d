package kernels

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseRef(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vmlinuz")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want Ref
	}{
		{"debian:5.10.218-1", Ref{Version: "5.10.218-1", Flavour: "cloud-amd64"}},
		{"debian:6.12.43-1~bpo12+1", Ref{Version: "6.12.43-1~bpo12+1", Flavour: "cloud-amd64"}},
		{"debian:6.12.117-1/amd64", Ref{Version: "6.12.117-1", Flavour: "amd64"}},
		{"debian:6", Ref{Line: "6", Flavour: "cloud-amd64"}},
		{"debian:6.1", Ref{Line: "6.1", Flavour: "cloud-amd64"}},
		{"debian:6.1.192", Ref{Line: "6.1.192", Flavour: "cloud-amd64"}},
		{"debian:6.1/amd64", Ref{Line: "6.1", Flavour: "amd64"}},
		{"debian:6.1/rt-amd64", Ref{Line: "6.1", Flavour: "rt-amd64"}},
		{"debian:5.10.0-30-cloud-amd64", Ref{Release: "5.10.0-30-cloud-amd64", Flavour: "cloud-amd64"}},
		{"debian:5.10.0-30-amd64", Ref{Release: "5.10.0-30-amd64", Flavour: "amd64"}},
		{"debian:6.1.0-56-rt-amd64/rt-amd64", Ref{Release: "6.1.0-56-rt-amd64", Flavour: "rt-amd64"}},
		{"debian:7.2.13+deb14-cloud-amd64", Ref{Release: "7.2.13+deb14-cloud-amd64", Flavour: "cloud-amd64"}},
		{file, Ref{Path: file}},
	} {
		c.want.Text = c.text
		got, err := ParseRef(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseRef(%s) = %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
}

func TestParseRefRefuses(t *testing.T) {
	rpm := filepath.Join(t.TempDir(), "kernel.rpm")
	if err := os.WriteFile(rpm, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, says string }{
		{"", "neither a debian: reference nor a file"},
		{"6.1", "did you mean debian:6.1?"},
		{"5.10.218-1", "did you mean debian:5.10.218-1?"},
		{"ubuntu:6.8", "write debian:VERSION, tree:FOLDER or a path"},
		{"debian:", "is no kernel version"},
		{"debian:newest", "is no kernel version"},
		{"debian:6.1 ", "is no kernel version"},
		{"debian:../x", "there is no flavour"},
		{"debian:6.1/arm64", `there is no flavour "arm64"; use one of cloud-amd64, amd64, rt-amd64`},
		{"debian:6.1/", `there is no flavour ""`},
		{"debian:5.10.0-30-cloud-amd64/amd64", "leave out /amd64"},
		{"./no/such/vmlinuz", "no such file or directory; check the path"},
		{rpm, "RPM packages are not supported"},
	} {
		_, err := ParseRef(c.text)
		var wrong *RefError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("ParseRef(%s): error is %v, want a RefError of one line with %q", c.text, err, c.says)
		}
	}
}
