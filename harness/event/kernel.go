package event

// Kernel is kernel.json: which kernel a VM's folder speaks of.
type Kernel struct {
	Ref     string `json:"ref"`               // as the user named it
	Name    string `json:"name"`              // exact and file-safe, the folder's name
	Source  string `json:"source"`            // debian or file
	Release string `json:"release"`           // uname -r
	Version string `json:"version"`           // upstream version, 5.10.218
	Package string `json:"package,omitempty"` // Debian version, 5.10.218-1
	Flavour string `json:"flavour,omitempty"` // cloud-amd64, amd64, rt-amd64
	Banner  string `json:"banner,omitempty"`  // the line that begins with "Linux version"
	ID      string `json:"id"`                // hex sha256 over its files
	// Alone is the suite that this VM ran and no other; without it, it ran all those that share one.
	Alone string `json:"alone,omitempty"`
	// Missing lists config options that a suite needs and the kernel lacks, by suite.
	Missing map[string][]string `json:"missing,omitempty"`
}
