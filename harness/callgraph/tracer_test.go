package callgraph

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeTracefs is a folder with the files of tracefs that matter, as they read
// on 5.10.218-1 where nobody traces.
func fakeTracefs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range fresh {
		put(t, filepath.Join(dir, name), text)
	}
	return dir
}

var fresh = map[string]string{
	"available_tracers":          "blk mmiotrace function_graph function nop\n",
	"current_tracer":             "nop\n",
	"tracing_on":                 "1\n",
	"set_graph_function":         "#### all functions enabled ####\n",
	"trace_clock":                "[local] global counter uptime perf mono mono_raw boot x86-tsc\n",
	"buffer_size_kb":             "7 (expanded: 1408)\n",
	"max_graph_depth":            "0\n",
	"options/overwrite":          "1\n",
	"options/funcgraph-abstime":  "0\n",
	"options/funcgraph-cpu":      "1\n",
	"options/funcgraph-proc":     "0\n",
	"options/funcgraph-tail":     "0\n",
	"options/funcgraph-irqs":     "1\n",
	"options/funcgraph-duration": "1\n",
	"options/funcgraph-overhead": "1\n",
	"trace":                      "    1.000001 |   0)   suite-93    | inet_recvmsg();\n",
	"per_cpu/cpu0/stats":         "entries: 5\noverrun: 1\ncommit overrun: 2\nbytes: 300\ndropped events: 4\nread events: 7\n",
	"per_cpu/cpu1/stats":         "entries: 0\noverrun: 0\ncommit overrun: 0\ndropped events: 0\n",
}

// restored is what is written where something was set: the word that was chosen.
func restored() map[string]string {
	want := maps.Clone(fresh)
	for name, text := range fresh {
		if strings.HasPrefix(name, "options/") || name == "tracing_on" || name == "max_graph_depth" || name == "current_tracer" {
			want[name] = strings.TrimSpace(text)
		}
	}
	want["set_graph_function"], want["trace_clock"], want["buffer_size_kb"] = "", "local", "7"
	return want
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func checkFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v; want %q", name, got, err, text)
		}
	}
}

// While f runs everything is set, and afterwards as before: if it succeeds,
// fails, or panics.
func TestTrace(t *testing.T) {
	failure := errors.New("no answer")
	for _, test := range []struct {
		name string
		end  func() error
		want error
	}{
		{"success", func() error { return nil }, nil},
		{"failure", func() error { return failure }, failure},
		{"panic", func() error { panic(failure) }, failure},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fakeTracefs(t)
			tracer := &Tracer{dir, []string{"inet_recvmsg", "inet6_recvmsg"}}
			r, err := caught(func() (Recording, error) {
				return tracer.Trace(func() error {
					checkFiles(t, dir, map[string]string{
						"current_tracer": "function_graph", "tracing_on": "1", "trace_clock": "boot", "max_graph_depth": "30",
						"set_graph_function": "inet_recvmsg\ninet6_recvmsg\n", "options/funcgraph-duration": "0", "options/funcgraph-proc": "1",
					})
					return test.end()
				})
			})
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if test.name != "panic" && (len(r.Graphs) != 1 || r.Lost != 7) {
				t.Errorf("%d graphs, %d lost; want 1, 7", len(r.Graphs), r.Lost)
			}
			checkFiles(t, dir, restored())
		})
	}
}

// caught turns a panic with an error into that error.
func caught(f func() (Recording, error)) (r Recording, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	return f()
}

// A tracer that cannot be set up does not run f, and leaves nothing behind.
func TestTraceRefuses(t *testing.T) {
	for _, test := range []struct {
		name, file, text string // "": the file is not there
		want             string
	}{
		{"the tracer is in use", "current_tracer", "function\n", "in use (function)"},
		{"somebody traces a function", "set_graph_function", "vfs_read\next4_sync [ext4]\n", "vfs_read"},
		{"an option is missing", "options/funcgraph-tail", "", "funcgraph-tail"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := fakeTracefs(t)
			put(t, filepath.Join(dir, test.file), test.text)
			if test.text == "" {
				os.Remove(filepath.Join(dir, test.file))
			}
			_, err := (&Tracer{dir, []string{"inet_recvmsg"}}).Trace(func() error {
				t.Error("f ran")
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			for _, name := range []string{"current_tracer", "tracing_on", "trace_clock"} {
				got, _ := os.ReadFile(filepath.Join(dir, name))
				if was := fresh[name]; name != test.file && string(got) != was && string(got) != chosen(was) {
					t.Errorf("%s: %q was left", name, got)
				}
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := fakeTracefs(t)
	if _, err := open(dir, Recvmsg); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, dir, map[string]string{"set_graph_function": "", "current_tracer": "nop\n"})

	put(t, filepath.Join(dir, "available_tracers"), "blk nop\n")
	if _, err := open(dir, Recvmsg); err == nil || !strings.Contains(err.Error(), "CONFIG_FUNCTION_GRAPH_TRACER") {
		t.Errorf("without the tracer: %v", err)
	}
	if _, err := open(filepath.Join(dir, "none"), Recvmsg); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without tracefs: %v", err)
	}
}

func TestChosen(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "",
		"nop\n":                             "nop",
		"local [boot] mono\n":               "boot",
		"7 (expanded: 1408)\n":              "7",
		"#### all functions enabled ####\n": "",
	} {
		if got := chosen(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
