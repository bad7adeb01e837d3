package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Document is the text of a configuration and what it is called in errors.
type Document struct {
	Name string
	Text []byte
}

// MostText bounds a document, in bytes.
const MostText = 4 << 20

// Parse reads a document. It returns a Config only when there is no problem
// at all.
func Parse(doc Document, env Env) (*Config, Problems) {
	d := newDecoder(doc.Name, env)
	if len(doc.Text) > MostText {
		d.add(place{1, 1}, "", "the document is larger than 4 MiB", "it must be smaller")
		return nil, d.problems
	}
	root := d.load(doc.Text)
	if root == nil {
		return nil, d.problems
	}
	c := &Config{hidden: d.hidden}
	setDefaults(reflect.ValueOf(c).Elem())
	d.decode(root, reflect.ValueOf(c).Elem(), "")
	if !d.said[""] && d.visited <= mostNodes { // else too little was read to judge it
		v := &validator{config: c, report: d.report, said: d.said}
		v.all()
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	c.shorten()
	return c, nil
}

// shorten replaces what may be written in a short way by what it stands for,
// so that nobody else needs to know of it.
func (c *Config) shorten() {
	for i := range c.Routes {
		if r := &c.Routes[i]; r.Cluster != "" {
			r.To, r.Cluster = []Target{{Cluster: r.Cluster, Weight: 1}}, ""
		}
	}
	if len(c.Routes) == 0 {
		c.Routes = []Route{{Name: "default", To: []Target{{Cluster: c.Clusters[0].Name, Weight: 1}}, Host: "preserve", Priority: "normal"}}
	}
	for i := range c.Clusters {
		c.Clusters[i].Policy = plain(c.Clusters[i].Policy)
		c.Clusters[i].fillCandidates()
	}
	for i := range c.Rules {
		c.Rules[i].Use = plain(c.Rules[i].Use)
	}
}

// Flags are those of `poise serve` without a file.
type Flags struct {
	Listen    string
	Endpoints []string
	Policy    string // "" means the default
	Admin     string // "" means the default
}

// FromFlags makes the configuration that the flags stand for: one cluster
// named default. Problems name the flag.
func FromFlags(f Flags) (*Config, Problems) {
	c := &Config{}
	setDefaults(reflect.ValueOf(c).Elem())
	listener, cluster := Listener{}, Cluster{}
	setDefaults(reflect.ValueOf(&listener).Elem())
	setDefaults(reflect.ValueOf(&cluster).Elem())
	listener.Address, cluster.Name = f.Listen, "default"
	for _, address := range f.Endpoints {
		cluster.Endpoints = append(cluster.Endpoints, Endpoint{Address: address, Weight: 1})
	}
	if f.Policy != "" {
		cluster.Policy = f.Policy
	}
	if f.Admin != "" {
		c.Admin.Address = f.Admin
	}
	c.Listeners, c.Clusters = []Listener{listener}, []Cluster{cluster}
	var problems Problems
	v := &validator{config: c, said: map[string]bool{}}
	v.report = func(path, what, hint string) {
		if !v.said[path] {
			problems = append(problems, Problem{File: flagOf(path), What: what, Hint: hint})
		}
		v.said[path] = true
	}
	v.all()
	if len(problems) > 0 {
		return nil, problems
	}
	c.shorten()
	return c, nil
}

func flagOf(path string) string {
	switch {
	case strings.HasPrefix(path, "listeners"):
		return "--listen"
	case strings.HasPrefix(path, "admin"):
		return "--admin"
	case path == "clusters[0].policy":
		return "--policy"
	}
	return "--endpoint"
}

// Destructive says in words what a change would take away that must not go by
// accident: a listener, or over half of a cluster's endpoints.
func Destructive(old, next *Config) []string {
	var reasons []string
	for _, l := range old.Listeners {
		if !slices.ContainsFunc(next.Listeners, func(n Listener) bool { return n.Address == l.Address }) {
			reasons = append(reasons, "it removes the listener "+l.Address)
		}
	}
	for _, c := range old.Clusters {
		i := slices.IndexFunc(next.Clusters, func(n Cluster) bool { return n.Name == c.Name })
		if i < 0 {
			reasons = append(reasons, "it removes the cluster "+c.Name)
			continue
		}
		removed := 0
		for _, e := range c.Endpoints {
			if !slices.ContainsFunc(next.Clusters[i].Endpoints, func(n Endpoint) bool { return n.Address == e.Address }) {
				removed++
			}
		}
		if 2*removed > len(c.Endpoints) {
			reasons = append(reasons, fmt.Sprintf("it removes %d of the %d endpoints of cluster %s", removed, len(c.Endpoints), c.Name))
		}
	}
	return reasons
}
