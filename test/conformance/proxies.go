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
	file          string // what its configuration is called
	configuration func(dir, listen, endpoint string) string
	command       func(dir, file string) []string
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

const anyCore = "0-1"

// start writes the configuration and starts the program on it.
func (p Proxy) start(dir, listen, endpoint string) (*rig.Process, error) {
	file := filepath.Join(dir, p.file)
	if err := os.WriteFile(file, []byte(p.configuration(dir, listen, endpoint)), 0o644); err != nil {
		return nil, err
	}
	line := p.command(dir, file)
	return rig.Start(anyCore, line[0], line[1:]...)
}

// Setup is the command line and the configuration, for people.
func (p Proxy) Setup() string {
	line := p.command("DIR", "DIR/"+p.file)
	line[0] = filepath.Base(line[0])
	return strings.Join(line, " ") + "\n\n" + p.configuration("DIR", "127.0.0.1:LISTEN", "127.0.0.1:ENDPOINT")
}

// Poise is the binary at bin as its users run it.
func Poise(bin, version string) Proxy {
	return Proxy{
		Name: "poise", Version: version, file: "poise.yaml",
		configuration: func(_, listen, endpoint string) string {
			return fmt.Sprintf("listeners: [{address: %q}]\nclusters:\n  - {name: web, endpoints: [%q]}\nadmin: {address: %q}\n", listen, endpoint, "127.0.0.1:0")
		},
		command: func(_, file string) []string { return []string{bin, "serve", "-c", file} },
	}
}

const nginxConf = `daemon off; master_process off; pid DIR/nginx.pid; error_log DIR/nginx.log crit;
events {}
http {
  access_log off;
  client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  client_header_buffer_size 16k; large_client_header_buffers 16 16k;
  proxy_buffer_size 80k; proxy_buffers 8 80k; proxy_busy_buffers_size 160k;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream e { server ENDPOINT; keepalive 16; }
  server {
    listen LISTEN; server_name example.com;
    location / {
      proxy_pass http://e; proxy_http_version 1.1;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      proxy_pass_header Server; proxy_pass_header Date;
    }
  }
}
`

// Nginx passes the host and upgrades on, as its documentation shows, and
// takes heads as large as Poise does. $http_host in place of $host would keep
// ports, and lose the host of a URL and, with HTTP/1.0, all of them.
func Nginx() Proxy {
	return Proxy{
		Name: "nginx", Version: programVersion("nginx", "-v"), file: "nginx.conf",
		configuration: filled(nginxConf),
		command:       func(dir, file string) []string { return []string{"nginx", "-e", dir + "/nginx.log", "-c", file} },
	}
}

// filled puts the addresses into a configuration.
func filled(text string) func(dir, listen, endpoint string) string {
	return func(dir, listen, endpoint string) string {
		_, port, _ := strings.Cut(listen, ":")
		return strings.NewReplacer("DIR", dir, "LISTEN", listen, "ENDPOINT", endpoint, "PORT", port).Replace(text)
	}
}

const haproxyConf = `global
  nbthread 1
  maxconn 200
  tune.bufsize 98304
  tune.http.maxhdr 101
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
  timeout tunnel 5s
  http-reuse always
  option forwardfor
listen l
  bind LISTEN
  server e ENDPOINT
`

// HAProxy has buffers for heads as large as Poise takes.
func HAProxy() Proxy {
	return Proxy{
		Name: "haproxy", Version: programVersion("haproxy", "-v"), file: "haproxy.cfg",
		configuration: filled(haproxyConf),
		command:       func(_, file string) []string { return []string{"haproxy", "-db", "-f", file} },
	}
}

const caddyfile = `{
  admin off
  auto_https off
  storage file_system DIR
}
http://:PORT {
  bind 127.0.0.1
  reverse_proxy ENDPOINT
}
`

// Caddy is Caddy with one reverse_proxy.
func Caddy() Proxy {
	return Proxy{
		Name: "caddy", Version: programVersion("caddy", "version"), file: "Caddyfile",
		configuration: filled(caddyfile),
		command: func(dir, file string) []string {
			return []string{"env", "XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir, "caddy", "run", "--adapter", "caddyfile", "--config", file}
		},
	}
}

var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9]+[0-9A-Za-z.+~-]*`)

func programVersion(program, flag string) string {
	out, _ := exec.Command(program, flag).CombinedOutput()
	return versionNumber.FindString(string(out))
}
