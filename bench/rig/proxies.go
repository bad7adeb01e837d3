package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A Proxy is something that can be measured.
type Proxy struct {
	Name    string
	Version string
	Metrics bool // exports Go's memory figures at Running.Admin
	start   func(r *Running, s Setup) (*Process, error)
}

// A Setup is what a proxy is started with.
type Setup struct {
	Dir       string // for its files
	Endpoints []string
	Layout    Layout
	endpoints *Process
	Policy    string // of Poise; "" means round-robin, which the others always have
	Cluster   string // more of Poise's cluster: members of a flow mapping, ", hash_key: path"
	Document  string // and of its document: whole lines
}

// Running is a started proxy.
type Running struct {
	*Process
	Name, Address, Admin string
	Layout               Layout

	endpoints *Process
	straight  bool // it is the endpoint itself
}

// Start starts the proxy on addresses of its own.
func (p Proxy) Start(ctx context.Context, s Setup) (*Running, error) {
	r := &Running{Name: p.Name, Layout: s.Layout, endpoints: s.endpoints}
	var err error
	if r.Address, err = FreeAddress(); err != nil {
		return nil, err
	}
	if r.Admin, err = FreeAddress(); err != nil {
		return nil, err
	}
	if r.Process, err = p.start(r, s); err != nil {
		return nil, err
	}
	if err := errors.Join(r.Ready(ctx, r.Address), serves(ctx, r.Address)); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// serves waits for an answer: a proxy that listens may still be waiting for its
// first health checks, and with 1,000 endpoints they take a second or two.
func serves(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return err
	}
	q.Close = true
	for {
		a, err := http.DefaultClient.Do(q)
		if err == nil {
			_ = a.Body.Close()
			if a.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s gives no good answer: %w", address, errors.Join(err, ctx.Err()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// StartEndpoints starts the endpoint at bin on n addresses, one process for
// all: each on a loopback address of its own, so that a proxy sees n endpoints.
func StartEndpoints(ctx context.Context, l Layout, bin string, n int) (addresses []string, p *Process, err error) {
	free, err := FreeAddress()
	if err != nil {
		return nil, nil, err
	}
	port := free[strings.LastIndexByte(free, ':')+1:]
	for i := range n {
		addresses = append(addresses, fmt.Sprintf("127.0.%d.%d:%s", 1+i/250, 1+i%250, port))
	}
	if p, err = Start(l.Endpoints, bin, "-listen", strings.Join(addresses, ",")); err != nil {
		return nil, nil, err
	}
	if err := p.Ready(ctx, addresses[n-1]); err != nil {
		p.Stop()
		return nil, nil, err
	}
	return addresses, p, nil
}

// config writes a configuration beside the address that it is for.
func (s Setup) config(r *Running, text string) (file string, err error) {
	file = filepath.Join(s.Dir, r.Name+"-"+r.Address[strings.LastIndexByte(r.Address, ':')+1:]+".conf")
	return file, os.WriteFile(file, []byte(text), 0o644)
}

// Poise is the binary at bin with everything on that users run: health
// checks, metrics, histograms; the access log is off as everywhere here.
func Poise(bin string) Proxy {
	return Proxy{Name: "poise", Metrics: true, Version: Commit(), start: func(r *Running, s Setup) (*Process, error) {
		file, err := s.config(r, fmt.Sprintf("listeners: [{address: %q}]\nadmin: {address: %q, token: %s}\nclusters:\n  - {name: web, endpoints: [%s], policy: %s, health: {interval: 2s}%s}\n%s",
			r.Address, r.Admin, token, strings.Join(s.Endpoints, ", "), cmp.Or(s.Policy, "round-robin"), s.Cluster, s.Document))
		if err != nil {
			return nil, err
		}
		return Start(s.Layout.Proxy, bin, "serve", "-c", file)
	}}
}

// Reference is the standard library's reverse proxy, tuned.
func Reference(bin string) Proxy {
	return Proxy{Name: "reference", Metrics: true, Version: "net/http", start: func(r *Running, s Setup) (*Process, error) {
		return Start(s.Layout.Proxy, bin, "-listen", r.Address, "-admin", r.Admin, "-endpoints", strings.Join(s.Endpoints, ","))
	}}
}
