package event

// Kernel is kernel.json: which kernel a VM's folder speaks of.
type Kernel struct {
	Ref     string `json:"ref"`               // as the user named it
	Name    string `json:"name"`              // exact and file-safe, the folder's name
	Source  string `json:"source"`            // debian, file or tree
	Release string `json:"release"`           // uname -r
	Version string `json:"version"`           // upstream version, 5.10.218
	Package string `json:"package,omitempty"` // Debian version, 5.10.218-1
	Flavour string `json:"flavour,omitempty"` // cloud-amd64, amd64, rt-amd64
	Banner  string `json:"banner,omitempty"`  // the line that begins with "Linux version"
	ID      string `json:"id"`                // hex sha256 over its files
	// Build says how a kernel of a source tree was built.
	Build *Build `json:"build,omitempty"`
	// Alone is the suite that this VM ran and no other; without it, it ran all those that share one.
	Alone string `json:"alone,omitempty"`
	// Missing lists config options that a suite needs and the kernel lacks, by suite.
	Missing map[string][]string `json:"missing,omitempty"`
}

// Build is how a kernel was built from source.
type Build struct {
	Commit   string  `json:"commit,omitempty"`  // full hash; none for files as they lay
	Subject  string  `json:"subject,omitempty"` // of the commit, or what the source is
	Tree     string  `json:"tree"`              // git's hash of the files that were built, patches included
	Patches  []Patch `json:"patches,omitempty"` // in the order they were applied
	Config   string  `json:"config"`            // hex sha256 of the options of the final .config
	Compiler string  `json:"compiler"`          // the first line of its version
	Code     string  `json:"code"`              // hex sha256 of the built code: see docs/build.md
	Debug    bool    `json:"debug,omitempty"`   // with KASAN and lockdep
}

// Patch is a patch that was applied to a tree.
type Patch struct {
	Name string `json:"name"` // of its file
	ID   string `json:"id"`   // git patch-id --stable
}
