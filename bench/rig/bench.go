package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
)

// A Bench has everything built and installed that is measured.
type Bench struct {
	Generators
	Proxies  []Proxy
	endpoint string
}

// All are the names of what can be measured; caddy is Debian's, caddy-new the
// newest, which is built.
var All = []string{"nginx", "haproxy", "caddy", "caddy-new", "poise", "reference"}

// Open installs and builds the proxies of these names, endpoints and
// generators. Close removes what was built.
func Open(ctx context.Context, names ...string) (*Bench, error) {
	if runtime.NumCPU() < 2 {
		return nil, errors.New("two cores are needed: one for the proxy, one for load and endpoints")
	}
	programs := []string{"wrk"}
	for _, n := range names {
		if n == "nginx" || n == "haproxy" || n == "caddy" {
			programs = append(programs, n)
		}
	}
	if err := Install(ctx, programs...); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	b := &Bench{Generators: Generators{Dir: dir}}
	if err := b.build(ctx, names); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close removes what was built.
func (b *Bench) Close() { _ = os.RemoveAll(b.Dir) }

func (b *Bench) build(ctx context.Context, names []string) (err error) {
	if b.Poise, err = Build(ctx, b.Dir, "./cmd/poise"); err != nil { // the load generator, too
		return err
	}
	if b.endpoint, err = Build(ctx, b.Dir, "./bench/endpoint"); err != nil {
		return err
	}
	for _, n := range names {
		p, err := b.proxy(ctx, n)
		if err != nil {
			return err
		}
		b.Proxies = append(b.Proxies, p)
	}
	return nil
}

func (b *Bench) proxy(ctx context.Context, name string) (Proxy, error) {
	switch name {
	case "nginx":
		return Nginx(), nil
	case "haproxy":
		return HAProxy(), nil
	case "caddy":
		return Caddy(name, "caddy"), nil
	case "caddy-new":
		bin, err := BuildModule(ctx, b.Dir, "bench/caddy", name)
		return Caddy(name, bin), err
	case "poise":
		return Poise(b.Poise), nil
	case "reference":
		bin, err := Build(ctx, b.Dir, "./bench/reference")
		return Reference(bin), err
	}
	return Proxy{}, fmt.Errorf("no proxy %s; there are %v", name, All)
}

// Proxy returns the one of that name.
func (b *Bench) Proxy(name string) Proxy {
	return b.Proxies[slices.IndexFunc(b.Proxies, func(p Proxy) bool { return p.Name == name })]
}

// Named returns those of these names.
func (b *Bench) Named(names ...string) (all []Proxy) {
	for _, p := range b.Proxies {
		if slices.Contains(names, p.Name) {
			all = append(all, p)
		}
	}
	return all
}

// Versions are what is measured, by name.
func (b *Bench) Versions() map[string]string {
	v := map[string]string{"wrk": version("wrk", "-v")}
	for _, p := range b.Proxies {
		v[p.Name] = p.Version
	}
	return v
}

// A Field is what runs at once: endpoints and, before them, proxies. Only one
// is loaded at a time.
type Field struct {
	Straight *Running // the first endpoint, to be loaded without a proxy
	Running  []*Running
	setup    Setup
}

// Field starts so many endpoints and these proxies.
func (b *Bench) Field(ctx context.Context, s Setup, endpoints int, proxies ...Proxy) (*Field, error) {
	s.Dir = b.Dir
	addresses, p, err := StartEndpoints(ctx, s.Layout, b.endpoint, endpoints)
	if err != nil {
		return nil, err
	}
	s.Endpoints, s.endpoints = addresses, p
	f := &Field{Straight: &Running{Process: p, Name: "straight", Address: addresses[0], Layout: s.Layout, endpoints: p, straight: true}, setup: s}
	for _, p := range proxies {
		if err := f.Add(ctx, p, ""); err != nil {
			f.Stop()
			return nil, err
		}
	}
	return f, nil
}

// Add starts another proxy before the same endpoints, with more lines in its
// document if it is Poise.
func (f *Field) Add(ctx context.Context, p Proxy, document string) error {
	s := f.setup
	s.Document += document
	r, err := p.Start(ctx, s)
	if err == nil {
		f.Running = append(f.Running, r)
	}
	return err
}

// Stop ends them all.
func (f *Field) Stop() {
	for _, r := range f.Running {
		r.Stop()
	}
	f.Straight.Stop()
}

// Turn returns the proxies in the order of a round: each round begins with
// another one.
func (f *Field) Turn(round int) []*Running {
	k := round % len(f.Running)
	return slices.Concat(f.Running[k:], f.Running[:k])
}
