package vmtest

import (
	"fmt"
	"strings"
)

// fileDevice is a port whose bytes go to a file.
const fileDevice = "file,id=%s,path=%s"

// Export fills the machine's folder, which exists and is empty, with all that
// its runner's VM reads, and returns what to type: what Run uses, but for the
// ports, which end in files of the folder, named as in a VM's.
func (m Machine) Export() (args []string, err error) {
	m = m.filled()
	f, ok := foreigns[m.Runner]
	if !ok {
		return nil, fmt.Errorf("export vm: %s is no runner that could be used by hand", m.Runner)
	}
	clock := takeStamp()
	l, err := m.pack()
	if err != nil {
		return nil, err
	}
	for suite, lacks := range m.Kernel.Info.Missing {
		return nil, fmt.Errorf("export vm: the kernel lacks %s of what suite %s needs", strings.Join(lacks, ", "), suite)
	}
	khz, err := clock.kilohertz()
	if err != nil {
		return nil, err
	}
	return m.stage(f, l, m.Dir, fileDevice, khz)
}
