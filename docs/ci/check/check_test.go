// Package check holds the files for CI systems against what those systems say
// of their format. It is a module of its own, so that krepro does not depend on
// what only this needs.
package check

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// By actionlint, which knows the syntax, the expressions and the inputs of the
// actions, and has shellcheck look at the scripts where there is one.
func TestGitHubActions(t *testing.T) {
	checkFile(t, "github-actions.yaml", actions,
		"fail-fast: false", "failfast: false",
		"retention-days: 7", "retention: 7", // an input that the action does not have
		"needs: shards", "needs: shard", // a job that is not there
		"${{ matrix.shard }}", "${{ matrix.shards }}")
}

func actions(t *testing.T, file string) string {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{Shellcheck: "shellcheck"})
	if err != nil {
		t.Fatal(err)
	}
	errs, err := linter.Lint(file, read(t, file), nil)
	if err != nil {
		t.Fatal(err)
	}
	var found strings.Builder
	for _, e := range errs {
		found.WriteString(e.Error() + "\n")
	}
	return found.String()
}

// By GitLab's own schema, as gitlab-ci-local carries it. This release runs on
// Debian 12's Node 18; later ones want 22.
func TestGitLab(t *testing.T) {
	need(t, "npx")
	need(t, "git")
	path, err := exec.Command("npx", "--yes", "--package=gitlab-ci-local@4.65.1", "-c", "command -v gitlab-ci-local").Output()
	if err != nil {
		t.Fatalf("install gitlab-ci-local: %v", err)
	}
	local := strings.TrimSpace(string(path))
	checkFile(t, "gitlab.yaml", func(t *testing.T, file string) string { return gitlab(t, local, file) },
		"expire_in", "expires_in",
		"needs: [krepro, shards]", "needs: [krepro, shard]")
}

func gitlab(t *testing.T, local, file string) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".gitlab-ci.yml"), read(t, file), 0o644); err != nil {
		t.Fatal(err)
	}
	init := exec.Command("git", "init", "-q", dir) // the tool looks at nothing else
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list := exec.Command(local, "--list")
	list.Dir = dir
	out, err := list.CombinedOutput()
	if err == nil && !strings.Contains(string(out), "shards: [4/4]") {
		t.Fatalf("no list of jobs: %s", out)
	}
	return complaint(out, err)
}

// By the types of Kubernetes' API and its own strict decoder.
func TestKubernetes(t *testing.T) {
	checkFile(t, "kubernetes.yaml", kubernetes,
		"completionMode: Indexed", "completionmode: Indexed",
		"backoffLimitPerIndex: 0", "backoffLimitPerIndex: none",
		"claimName:", "claim:",
		"kind: ConfigMap", "kind: ConfigMaps")
}

func kubernetes(t *testing.T, file string) string {
	var found strings.Builder
	for doc := range strings.SplitSeq(string(read(t, file)), "\n---\n") {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(doc), &kind); err != nil {
			found.WriteString(err.Error() + "\n")
			continue
		}
		object, known := map[string]any{
			"v1/ConfigMap":             &core.ConfigMap{},
			"v1/PersistentVolumeClaim": &core.PersistentVolumeClaim{},
			"batch/v1/Job":             &batch.Job{},
		}[kind.APIVersion+"/"+kind.Kind]
		if !known {
			found.WriteString("unknown kind " + kind.Kind + "\n")
		} else if err := decode(doc, object); err != nil {
			found.WriteString(err.Error() + "\n")
		}
	}
	return found.String()
}

func decode(doc string, into any) error {
	text, err := yaml.YAMLToJSONStrict([]byte(doc))
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(text, into)
	return errors.Join(append(strict, err)...)
}

// By shellcheck. That Slurm takes them and runs them is tested with a real one,
// in cmd/krepro.
func TestSlurm(t *testing.T) {
	need(t, "shellcheck")
	checkFile(t, "slurm.sbatch", shell, `"$SLURM_CPUS_PER_TASK"`, "$SLURM_CPUS_PER_TASK")
	checkFile(t, "slurm-merge.sbatch", shell, `"runs/$1"/`, "runs/$1/")
}

func shell(_ *testing.T, file string) string {
	out, err := exec.Command("shellcheck", file).CombinedOutput()
	return complaint(out, err)
}

// checkFile has a file checked, which must find nothing; and then the file with
// each of the changes, which must find something.
func checkFile(t *testing.T, name string, check func(t *testing.T, file string) string, changes ...string) {
	t.Helper()
	file := filepath.Join("..", name)
	if found := check(t, file); found != "" {
		t.Errorf("%s: %s", name, found)
	}
	text := read(t, file)
	for i := 0; i < len(changes); i += 2 {
		wrong := bytes.ReplaceAll(text, []byte(changes[i]), []byte(changes[i+1]))
		if bytes.Equal(wrong, text) {
			t.Errorf("%s has no %q to change", name, changes[i])
			continue
		}
		changed := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(changed, wrong, 0o644); err != nil {
			t.Fatal(err)
		}
		if check(t, changed) == "" {
			t.Errorf("%s with %q goes through", name, changes[i+1])
		}
	}
}

// need skips where a program is missing.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("not checked: no %s here", program)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// complaint is what a program said, if it was not content.
func complaint(out []byte, err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + ": " + string(out)
}
