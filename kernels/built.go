package kernels

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/krepro/krepro/harness/event"
	"github.com/krepro/krepro/kernels/build"
	"github.com/krepro/krepro/kernels/configs"
	"github.com/krepro/krepro/kernels/source"
)

// buildLayout is part of the id of every kernel that is built: it changes when
// builds are made differently.
const buildLayout = "krepro build 2"

// recipe is all that goes into a build.
type recipe struct {
	ref       Ref
	tree      source.Tree // patches applied
	patches   []event.Patch
	fragments []configs.Fragment
	toolchain []string // the compiler first
}

// getBuilt builds the kernel of a tree, unless one of the same files, options and
// tools is in the cache.
func (s *Store) getBuilt(ctx context.Context, ref Ref) (*Image, error) {
	r, err := s.recipe(ctx, ref)
	if err != nil {
		return nil, err
	}
	id := r.id()
	img, err := s.cached(id)
	if img == nil && err == nil {
		img, err = s.fill(ctx, id, func(dir string) (*Image, error) { return s.compile(ctx, r, dir) })
	}
	if err != nil {
		return nil, err
	}
	r.describe(img)
	return img, nil
}

// recipe finds out what goes into a build, and has the source in the cache.
func (s *Store) recipe(ctx context.Context, ref Ref) (r recipe, err error) {
	r.ref = ref
	if r.fragments, err = ref.fragments(); err != nil {
		return r, err
	}
	for _, file := range ref.Patches {
		if _, err := os.Stat(file); err != nil {
			return r, &RefError{ref.Text, fmt.Sprintf("the patch %s cannot be read: %s", file, errno(err)), "check the path"}
		}
	}
	if missing := build.Missing(ctx); len(missing) > 0 {
		return r, fmt.Errorf("this machine lacks what building a kernel needs: apt install %s", strings.Join(missing, " "))
	}
	if r.toolchain, err = build.Toolchain(ctx); err != nil {
		return r, err
	}
	r.tree, r.patches, err = s.source(ctx, ref)
	return r, err
}

// fragments are krepro's options, and then the user's.
func (r Ref) fragments() ([]configs.Fragment, error) {
	all, err := configs.Standard(r.Debug)
	if err != nil {
		return nil, err
	}
	for _, file := range r.Fragments {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, &RefError{r.Text, fmt.Sprintf("the fragment %s cannot be read: %s", file, errno(err)), "check the path"}
		}
		f, err := configs.Parse(filepath.Base(file), string(text))
		if err != nil {
			return nil, &RefError{Ref: r.Text, Reason: err.Error()}
		}
		all = append(all, f)
	}
	return all, nil
}

// id is the hash of what goes in.
func (r recipe) id() string {
	return hashOf(buildLayout, r.tree.ID, configs.Lines(r.fragments), strings.Join(r.toolchain, "\n"))
}

// folder names the build folder: one for each source, configuration and
// toolchain, so that what changes from one build to the next is files.
func (r recipe) folder() string {
	return filepath.Base(r.tree.Repo) + "-" + hashOf(configs.Lines(r.fragments), strings.Join(r.toolchain, "\n"))[:8]
}

func hashOf(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// describe names an image by what was asked for: the same files may be those of
// another commit.
func (r recipe) describe(img *Image) {
	b := *img.Build
	b.Commit, b.Subject, b.Tree, b.Patches = r.tree.Commit, r.tree.Subject, r.tree.ID, r.patches
	img.Build = &b
	img.Name = r.name(img)
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9._~-]+`)

// maxName bounds an image's name; a longer one ends with the id in place of the
// last additions.
const maxName = 100

// name is release, commit (or hash of the files) and additions, as
// tree-5.10.223-3f2a91c0d1e2+fix.
func (r recipe) name(img *Image) string {
	files := r.tree.Commit
	if files == "" {
		files = r.tree.ID
	}
	name := fmt.Sprintf("tree-%s-%.12s", img.Release, files)
	for _, p := range r.patches {
		name += "+" + strings.TrimSuffix(strings.TrimSuffix(p.Name, ".patch"), ".diff")
	}
	for _, f := range r.ref.Fragments {
		name += "+" + strings.TrimSuffix(filepath.Base(f), fragmentSuffix)
	}
	if r.ref.Debug {
		name += "+" + debugWord
	}
	parts := strings.Split(name, "+")
	for i, p := range parts {
		parts[i] = notInName.ReplaceAllString(p, "-")
	}
	if name = strings.Join(parts, "+"); len(name) > maxName {
		name = name[:maxName-9] + "~" + r.id()[:8]
	}
	return name
}

// compile builds in the recipe's folder and copies what was made into dir.
func (s *Store) compile(ctx context.Context, r recipe, dir string) (img *Image, err error) {
	name := r.folder()
	held, err := lock(ctx, s.temp(name)+".lock", func() { s.say("waiting for build folder %s, in which another kernel is being built", name) })
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock(held)) }()
	folder := filepath.Join(s.Dir, treesDir, name)
	if err := s.holdFolder(folder); err != nil {
		return nil, err
	}
	s.say("checking out %s", r.tree.Subject)
	if err := r.tree.Checkout(ctx, folder); err != nil {
		return nil, err
	}
	b := &event.Build{Compiler: r.toolchain[0], Debug: r.ref.Debug}
	job := build.Job{Dir: folder, Jobs: s.Jobs}
	if b.Config, err = s.make(ctx, r, job); err != nil {
		return nil, err
	}
	if b.Code, err = build.Code(job.Obj()); err != nil {
		return nil, err
	}
	if img, err = collect(ctx, job, dir, b); err == nil {
		r.describe(img)
	}
	return img, err
}

// make configures and compiles, and returns the hash of the configuration.
func (s *Store) make(ctx context.Context, r recipe, job build.Job) (config string, err error) {
	fresh, err := job.Begin()
	if err != nil {
		return "", err
	}
	failed := func(stage string, err error) error {
		var wrong *build.Error
		if errors.As(err, &wrong) {
			return &BuildError{Ref: r.ref.Text, Stage: stage, Text: wrong.Text, Log: job.Log()}
		}
		return err
	}
	s.say("configuring %s", r.tree.Subject)
	if err := job.Configure(ctx, configs.Lines(r.fragments)); err != nil {
		return "", failed(StageConfig, err)
	}
	text, err := os.ReadFile(filepath.Join(job.Obj(), ".config"))
	if err != nil {
		return "", fmt.Errorf("read kernel config: %w", err)
	}
	final, err := ParseConfig(strings.NewReader(string(text)))
	if err != nil {
		return "", err
	}
	known := func(option string) (string, bool) { v, ok := final[option]; return v, ok }
	if lost := configs.Lost(r.fragments, known); lost != "" {
		return "", &BuildError{Ref: r.ref.Text, Stage: StageConfig, Text: lost, Log: job.Log()}
	}
	count := s.watch(r, fresh)
	job.Progress = count.made
	s.say("building %s", r.tree.Subject)
	err = job.Compile(ctx)
	count.end(err == nil)
	return hashOf(configs.Options(string(text))), failed(StageCompile, err)
}

// collect makes an entry of what a build made.
func collect(ctx context.Context, job build.Job, dir string, b *event.Build) (*Image, error) {
	img := &Image{Vmlinuz: "vmlinuz", Config: "config", SystemMap: "System.map"}
	for from, to := range map[string]string{
		"obj/arch/x86/boot/bzImage": img.Vmlinuz, "obj/.config": img.Config, "obj/System.map": img.SystemMap, "build.log": "build.log",
	} {
		if err := copyFile(filepath.Join(job.Dir, from), filepath.Join(dir, to)); err != nil {
			return nil, err
		}
	}
	if err := img.examine(ctx, dir); err != nil {
		return nil, err
	}
	img.Source, img.Version, img.Build = "tree", upstreamForm.FindString(img.Release), b
	return img, nil
}
