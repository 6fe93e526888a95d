package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cluster is a real Slurm of one machine, made for a test: munge, controller and
// node daemon. All that it writes is in its folder, it listens on loopback alone,
// and it ends with the test.
type cluster struct{ dir string }

// slurmConf asks for nothing of the machine: no cgroup, no accounting, no mail.
// It states more CPUs than there may be, so that two tasks run at a time.
const slurmConf = `ClusterName=krepro
SlurmctldHost=%[1]s(127.0.0.1)
NodeName=%[1]s NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000
PartitionName=all Nodes=%[1]s Default=YES
SlurmUser=%[2]s
SlurmdUser=%[2]s
SlurmctldPort=%[3]d
SlurmdPort=%[4]d
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthInfo=socket=%[5]s/munge/socket
StateSaveLocation=%[5]s/state
SlurmdSpoolDir=%[5]s/spool
SlurmctldPidFile=%[5]s/slurmctld.pid
SlurmdPidFile=%[5]s/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MailProg=/bin/true
`

func startSlurm(t *testing.T) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "krepro-slurm-") // short: it is part of a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &cluster{dir: dir}
	s.configure(t)
	munge := func(name string) string { return filepath.Join(dir, "munge", name) }
	s.daemon(t, "munged", "--foreground", "--key-file="+munge("key"), "--socket="+munge("socket"),
		"--pid-file="+munge("pid"), "--seed-file="+munge("seed"))
	s.await(t, "munge", "--no-input", "--socket="+munge("socket"))
	s.daemon(t, "slurmctld", "-D")
	s.daemon(t, "slurmd", "-D")
	t.Cleanup(func() { s.empty(t) }) // before its daemons end
	s.endOnInterrupt(t)
	s.await(t, "sh", "-c", "sinfo --noheader --format=%t | grep -qx idle")
	return s
}

// configure makes the folder's files. Munge takes no socket below a closed folder.
func (s *cluster) configure(t *testing.T) {
	t.Helper()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf(slurmConf, host, me.Username, freePort(t), freePort(t), s.dir)
	err = errors.Join(os.Chmod(s.dir, 0o755),
		os.Mkdir(filepath.Join(s.dir, "munge"), 0o755),
		os.Mkdir(filepath.Join(s.dir, "state"), 0o755),
		os.Mkdir(filepath.Join(s.dir, "spool"), 0o755),
		os.WriteFile(filepath.Join(s.dir, "munge", "key"), []byte(strings.Repeat("no secret: ", 10)), 0o400),
		os.WriteFile(filepath.Join(s.dir, "slurm.conf"), []byte(conf), 0o644),
		// The node daemon wants some plugin here, and uses none of it.
		os.WriteFile(filepath.Join(s.dir, "cgroup.conf"), []byte("CgroupPlugin=cgroup/v1\n"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// command is one of Slurm's, run in dir. It ends with the test's process.
func (s *cluster) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(s.dir, "slurm.conf"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	return cmd
}

// daemon starts one, which ends with the test.
func (s *cluster) daemon(t *testing.T, name string, args ...string) {
	t.Helper()
	log, err := os.Create(filepath.Join(s.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := s.command(s.dir, name, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s (scripts/setup.sh slurm installs it): %v", name, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s:\n%s", name, text)
		}
		hurry := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
		defer hurry.Stop()
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "terminated") {
			t.Errorf("stop %s: %v", name, err)
		}
	})
}

// await repeats a command until it succeeds.
func (s *cluster) await(t *testing.T, name string, args ...string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		out, err := s.command(s.dir, name, args...).CombinedOutput()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("wait for %s: %v: %s", name, err, out)
		}
	}
}

// empty ends all jobs: the node daemon leaves them running when it ends.
func (s *cluster) empty(t *testing.T) {
	t.Helper()
	if out, err := s.command(s.dir, "scancel", "--me").CombinedOutput(); err != nil {
		t.Errorf("end all jobs: %v: %s", err, out)
	}
	s.await(t, "sh", "-c", `jobs=$(squeue --noheader) && [ -z "$jobs" ]`)
}

// endOnInterrupt ends all jobs when somebody interrupts the tests: a job outlives
// its node daemon.
func (s *cluster) endOnInterrupt(t *testing.T) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	over := make(chan struct{})
	t.Cleanup(func() { signal.Stop(interrupted); close(over) })
	go func() {
		select {
		case <-interrupted:
			defer os.Exit(130)
			defer os.RemoveAll(s.dir)
			s.empty(t)
		case <-over:
		}
	}()
}
