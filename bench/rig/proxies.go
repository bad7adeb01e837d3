package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Proxy is something that can be measured.
type Proxy struct {
	Name    string
	Version string
	Metrics bool // exports Go's memory figures at Running.Admin
	start   func(r *Running, dir string, endpoints []string) (*Process, error)
}

// Running is a started proxy.
type Running struct {
	*Process
	Name, Address, Admin string
}

// Start starts the proxy on addresses of its own.
func (p Proxy) Start(ctx context.Context, dir string, endpoints []string) (*Running, error) {
	r := &Running{Name: p.Name}
	var err error
	if r.Address, err = FreeAddress(); err != nil {
		return nil, err
	}
	if r.Admin, err = FreeAddress(); err != nil {
		return nil, err
	}
	if r.Process, err = p.start(r, dir, endpoints); err != nil {
		return nil, err
	}
	if err := r.Ready(ctx, r.Address); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// Build compiles a command of this module into dir.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	bin := filepath.Join(dir, filepath.Base(pkg))
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", bin, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %s", pkg, out)
	}
	return bin, nil
}

// Install makes sure that Debian's packages are there, a program each.
func Install(ctx context.Context, programs ...string) error {
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Println("installing with apt-get:", strings.Join(missing, " "))
	for _, args := range [][]string{{"update", "-q"}, append([]string{"install", "-qy", "--no-install-recommends"}, missing...)} {
		c := exec.CommandContext(ctx, "apt-get", args...)
		c.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1") // start no service
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+[0-9A-Za-z.+~-]*`)

func version(program, flag string) string {
	out, _ := exec.Command(program, flag).CombinedOutput()
	return versionNumber.FindString(string(out))
}

// built names the commit that is measured.
func built() string {
	out, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	return strings.TrimSpace(string(out))
}

// Nginx is nginx with one worker, its access log off, and kept connections.
func Nginx() Proxy {
	return Proxy{Name: "nginx", Version: version("nginx", "-v"), start: func(r *Running, dir string, endpoints []string) (*Process, error) {
		file := filepath.Join(dir, "nginx.conf")
		text := "daemon off; worker_processes 1; pid " + dir + "/nginx.pid; error_log " + dir + "/nginx.log crit;\n" +
			"events { worker_connections 20000; }\nhttp { access_log off; keepalive_requests 1000000000; client_body_temp_path " + dir + "/body; proxy_temp_path " + dir + "/proxy; fastcgi_temp_path " + dir + "/f; uwsgi_temp_path " + dir + "/u; scgi_temp_path " + dir + "/s;\n" +
			"upstream e { server " + strings.Join(endpoints, "; server ") + "; keepalive 128; keepalive_requests 1000000000; }\n" +
			"server { listen " + r.Address + "; location / { proxy_pass http://e; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header X-Forwarded-For $remote_addr; } } }\n"
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return nil, err
		}
		return Start(ProxyCore, "nginx", "-e", dir+"/nginx.log", "-c", file)
	}}
}

// HAProxy is HAProxy with one thread, no log, and its connections shared.
func HAProxy() Proxy {
	return Proxy{Name: "haproxy", Version: version("haproxy", "-v"), start: func(r *Running, dir string, endpoints []string) (*Process, error) {
		file := filepath.Join(dir, "haproxy.cfg")
		var text strings.Builder
		text.WriteString("global\n  nbthread 1\n  maxconn 8000\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 75s\n  timeout server 30s\n  http-reuse always\n  option forwardfor\n")
		fmt.Fprintf(&text, "listen l\n  bind %s\n  balance roundrobin\n", r.Address)
		for i, e := range endpoints {
			fmt.Fprintf(&text, "  server e%d %s check inter 2s\n", i, e)
		}
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			return nil, err
		}
		return Start(ProxyCore, "haproxy", "-db", "-f", file)
	}}
}

// Poise is the binary at bin with everything on that users run: health
// checks, metrics, histograms; the access log is off as everywhere here.
func Poise(bin string) Proxy {
	return Proxy{Name: "poise", Metrics: true, Version: built(), start: func(r *Running, dir string, endpoints []string) (*Process, error) {
		file := filepath.Join(dir, "poise.yaml")
		text := fmt.Sprintf("listeners: [{address: %q}]\nadmin: {address: %q}\nclusters:\n  - {name: web, endpoints: [%s], policy: round-robin, health: {interval: 2s}}\n",
			r.Address, r.Admin, strings.Join(endpoints, ", "))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return nil, err
		}
		return Start(ProxyCore, bin, "serve", "-c", file)
	}}
}

// Reference is the standard library's reverse proxy, tuned.
func Reference(bin string) Proxy {
	return Proxy{Name: "reference", Metrics: true, Version: "net/http", start: func(r *Running, _ string, endpoints []string) (*Process, error) {
		return Start(ProxyCore, bin, "-listen", r.Address, "-admin", r.Admin, "-endpoints", strings.Join(endpoints, ","))
	}}
}
