package rig

import (
	"fmt"
	"strings"
)

// Nginx is nginx with a worker a core, its access log off, kept connections,
// and bodies that never see a disk. It has no health checks. Its
// policy is what stands in the upstream before the servers.
func Nginx() Proxy {
	return Proxy{Name: "nginx", Version: version("nginx", "-v"), start: func(r *Running, s Setup) (*Process, error) {
		own, reuse := s.Dir+"/nginx-"+r.Address[strings.LastIndexByte(r.Address, ':')+1:], ""
		if s.Layout.Workers > 1 {
			reuse = " reuseport" // else one worker takes most connections
		}
		var b strings.Builder
		fmt.Fprintf(&b, "daemon off; worker_processes %d; pid %s.pid; error_log %s.log crit;\n", s.Layout.Workers, own, own)
		b.WriteString("events { worker_connections 19000; }\nhttp {\n  access_log off; tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 1000000000;\n")
		b.WriteString("  client_max_body_size 0; proxy_request_buffering off; proxy_buffer_size 16k; proxy_buffers 16 16k; proxy_busy_buffers_size 128k; proxy_max_temp_file_size 0;\n")
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			fmt.Fprintf(&b, "  %s_temp_path %s-%s;\n", kind, own, kind)
		}
		fmt.Fprintf(&b, "  upstream e { server %s; keepalive 256; keepalive_requests 1000000000; }\n", strings.Join(s.Endpoints, "; server "))
		fmt.Fprintf(&b, "  server { listen %s%s backlog=4096; location / { proxy_pass http://e; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; } }\n}\n", r.Address, reuse)
		file, err := s.config(r, b.String())
		if err != nil {
			return nil, err
		}
		return Start(s.Layout.Proxy, "nginx", "-e", own+".log", "-c", file)
	}}
}

// HAProxy is HAProxy with a thread a core, no log, checks, and its connections
// shared. Its limit of connections lets 10,000 idle ones in and stays within
// 20,000 descriptors, a usual limit.
func HAProxy() Proxy {
	return Proxy{Name: "haproxy", Version: version("haproxy", "-v"), start: func(r *Running, s Setup) (*Process, error) {
		var b strings.Builder
		fmt.Fprintf(&b, "global\n  nbthread %d\n  maxconn 10500\n  no strict-limits\n", s.Layout.Workers)
		b.WriteString("defaults\n  mode http\n  timeout connect 1s\n  timeout client 75s\n  timeout http-keep-alive 75s\n  timeout server 30s\n  http-reuse always\n  option forwardfor\n")
		fmt.Fprintf(&b, "listen l\n  bind %s backlog 4096\n  maxconn 10500\n  balance roundrobin\n", r.Address)
		for i, e := range s.Endpoints {
			fmt.Fprintf(&b, "  server e%d %s check inter 2s\n", i, e)
		}
		file, err := s.config(r, b.String())
		if err != nil {
			return nil, err
		}
		return Start(s.Layout.Proxy, "haproxy", "-db", "-f", file)
	}}
}

// Caddy is the Caddy at bin with checks and kept connections; it writes no
// access log unless told to.
func Caddy(name, bin string) Proxy {
	return Proxy{Name: name, Version: version(bin, "version"), start: func(r *Running, s Setup) (*Process, error) {
		var b strings.Builder
		b.WriteString("{\n  admin off\n  auto_https off\n  log {\n    output discard\n  }\n}\n")
		fmt.Fprintf(&b, "http://%s {\n  bind 127.0.0.1\n  reverse_proxy %s {\n", r.Address[strings.LastIndexByte(r.Address, ':'):], strings.Join(s.Endpoints, " "))
		b.WriteString("    lb_policy round_robin\n    health_uri /\n    health_interval 2s\n")
		b.WriteString("    transport http {\n      keepalive 50s\n      keepalive_idle_conns 1024\n      keepalive_idle_conns_per_host 256\n      compression off\n    }\n  }\n}\n")
		file, err := s.config(r, b.String())
		if err != nil {
			return nil, err
		}
		// It keeps what it last ran with; let that be here and not in the user's home.
		return Start(s.Layout.Proxy, "env", "XDG_CONFIG_HOME="+s.Dir, "XDG_DATA_HOME="+s.Dir, bin, "run", "--adapter", "caddyfile", "--config", file)
	}}
}
