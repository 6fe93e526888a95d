package fionread

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/krepro/krepro/harness/evidence"
)

// nginxConf echoes the cookie of a request, so that the client sees whether all
// of it was read. The buffer is nginx's default.
var nginxConf = template.Must(template.New("nginx.conf").Parse(`daemon off;
master_process off;
error_log stderr;
pid {{.Dir}}/pid;
events { use epoll; }
http {
	access_log off;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	client_header_buffer_size 1k;
	large_client_header_buffers 4 8k;
	keepalive_timeout 0;
	server {
{{- range .Listen}}
		listen {{.}};
{{- end}}
		location / { return 200 $http_cookie; }
	}
}
`))

// nobody is who nginx runs as: as root it would look its user up in /etc/passwd,
// which a guest has none of.
const nobody = 65534

// startNginx runs nginx in the pod until the spec ends. Its sockets are in the
// suite's cgroup, so the sockops program sees them.
func startNginx() {
	GinkgoHelper()
	program := evidence.Program("/usr/sbin/nginx")
	dir := GinkgoT().TempDir()
	Expect(os.Chown(dir, nobody, nobody)).To(Succeed())
	var conf bytes.Buffer
	Expect(nginxConf.Execute(&conf, struct {
		Dir    string
		Listen []netip.AddrPort
	}{dir, []netip.AddrPort{netip.AddrPortFrom(pod().V4, port), netip.AddrPortFrom(pod().V6, port)}})).To(Succeed())
	file := filepath.Join(dir, "nginx.conf")
	Expect(os.WriteFile(file, conf.Bytes(), 0o644)).To(Succeed())

	cmd := exec.Command(program, "-e", "stderr", "-p", dir, "-c", file)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	Expect(pod().Do(cmd.Start)).To(Succeed())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	DeferCleanup(func() {
		Expect(cmd.Process.Kill()).To(Succeed(), "nginx has ended by itself: %s", &said)
		<-ended
	})
	awaitNginx()
}

// awaitNginx waits until a request over the ordinary path is answered.
func awaitNginx() {
	GinkgoHelper()
	limit := evidence.Stretch(10 * time.Second)
	for deadline := time.Now().Add(limit); ; time.Sleep(10 * time.Millisecond) {
		err := exchange(remote(), false, 0, 1)
		if err == nil {
			return
		}
		Expect(time.Now()).To(BeTemporally("<", deadline), "nginx does not answer: %v", err)
	}
}
