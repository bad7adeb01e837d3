package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"poise/bench/rig"
)

// Proxy is something that the suite can hold against the RFCs.
type Proxy struct {
	Name, Version string
	start         func(dir, listen, endpoint string) (*rig.Process, error)
}

// instance is a proxy that runs in front of an endpoint of its own.
type instance struct {
	*rig.Process
	address  string
	endpoint *Endpoint
}

func (p Proxy) run(ctx context.Context, dir string) (*instance, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	e, err := NewEndpoint()
	if err != nil {
		return nil, err
	}
	i := &instance{endpoint: e}
	if i.address, err = rig.FreeAddress(); err == nil {
		i.Process, err = p.start(dir, i.address, e.Address())
	}
	if err != nil {
		e.Close()
		return nil, err
	}
	if err := i.Ready(ctx, i.address); err != nil {
		i.stop()
		return nil, err
	}
	return i, nil
}

func (i *instance) stop() {
	i.Stop()
	i.endpoint.Close()
}

// configured starts a program on a file that is written for it.
func configured(core, path, text, program string, args ...string) (*rig.Process, error) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return rig.Start(core, program, args...)
}

const anyCore = "0-1"

// Poise is the binary at bin as its users run it.
func Poise(bin, version string) Proxy {
	return Proxy{Name: "poise", Version: version, start: func(dir, listen, endpoint string) (*rig.Process, error) {
		file := filepath.Join(dir, "poise.yaml")
		text := fmt.Sprintf("listeners: [{address: %q}]\nclusters:\n  - {name: web, endpoints: [%s]}\nadmin: {address: %q}\n", listen, endpoint, "127.0.0.1:0")
		return configured(anyCore, file, text, bin, "serve", "-c", file)
	}}
}

// Nginx passes the host and upgrades on, as its documentation shows, and
// takes heads as large as Poise does.
func Nginx() Proxy {
	return Proxy{Name: "nginx", Version: programVersion("nginx", "-v"), start: func(dir, listen, endpoint string) (*rig.Process, error) {
		file := filepath.Join(dir, "nginx.conf")
		text := "daemon off; master_process off; pid " + dir + "/nginx.pid; error_log " + dir + "/nginx.log crit;\nevents {}\nhttp { access_log off;\n" +
			"client_body_temp_path " + dir + "/b; proxy_temp_path " + dir + "/p; fastcgi_temp_path " + dir + "/f; uwsgi_temp_path " + dir + "/u; scgi_temp_path " + dir + "/s;\n" +
			"client_header_buffer_size 16k; large_client_header_buffers 16 16k; proxy_buffer_size 80k; proxy_buffers 8 80k; proxy_busy_buffers_size 160k;\n" +
			"map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\nupstream e { server " + endpoint + "; keepalive 16; }\n" +
			"server { listen " + listen + "; location / { proxy_pass http://e; proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade;\n" +
			"proxy_set_header Connection $connection_upgrade; proxy_set_header X-Forwarded-For $remote_addr; proxy_pass_header Server; proxy_pass_header Date; } } }\n"
		return configured(anyCore, file, text, "nginx", "-e", dir+"/nginx.log", "-c", file)
	}}
}

// HAProxy has buffers for heads as large as Poise takes.
func HAProxy() Proxy {
	return Proxy{Name: "haproxy", Version: programVersion("haproxy", "-v"), start: func(dir, listen, endpoint string) (*rig.Process, error) {
		file := filepath.Join(dir, "haproxy.cfg")
		text := "global\n  nbthread 1\n  maxconn 200\n  tune.bufsize 98304\n  tune.http.maxhdr 101\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n  timeout tunnel 5s\n" +
			"  http-reuse always\n  option forwardfor\nlisten l\n  bind " + listen + "\n  server e " + endpoint + "\n"
		return configured(anyCore, file, text, "haproxy", "-db", "-f", file)
	}}
}

// Caddy is Caddy with one reverse_proxy.
func Caddy() Proxy {
	return Proxy{Name: "caddy", Version: programVersion("caddy", "version"), start: func(dir, listen, endpoint string) (*rig.Process, error) {
		file := filepath.Join(dir, "Caddyfile")
		_, port, _ := strings.Cut(listen, ":")
		text := "{\n  admin off\n  auto_https off\n  storage file_system " + dir + "\n}\nhttp://:" + port + " {\n  bind 127.0.0.1\n  reverse_proxy " + endpoint + "\n}\n"
		return configured(anyCore, file, text, "env", "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir, "caddy", "run", "--adapter", "caddyfile", "--config", file)
	}}
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+[0-9A-Za-z.+~-]*`)

func programVersion(program, flag string) string {
	out, _ := exec.Command(program, flag).CombinedOutput()
	return versionNumber.FindString(string(out))
}
