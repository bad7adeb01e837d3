package bench

import (
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"poise/internal/lb"
	"poise/internal/report"
	"poise/internal/scenario"
)

// Subject is what is measured: Poise with a policy or with its engine, or
// another proxy.
type Subject struct {
	Name    string
	Kind    report.Kind
	Program string // poise, nginx, …; "" for one that somebody else runs
	Policy  string // in the program's own words
	Judge   string // of Poise's engine
	Mode    string // of Poise's engine
	Conf    string // template of the configuration
	Address string // of one that somebody else runs
}

// Rules is the engine with rules for a judge.
const Rules = "rules"

// program is another proxy that can be started.
type program struct {
	name, policy string // what it balances by when it was told nothing
	version      []string
	arguments    func(file string, at *setup) []string
	install      string
	weight       int // how many times the CPU of a request through Poise one takes, as was measured
}

var programs = []program{
	{"nginx", "least_conn", []string{"-v"}, func(file string, at *setup) []string {
		return []string{"-e", filepath.Join(at.Dir, "start.log"), "-c", file}
	}, "nginx", 1},
	{"haproxy", "leastconn", []string{"-v"}, func(file string, _ *setup) []string { return []string{"-db", "-f", file} }, "haproxy", 1},
	{"caddy", "least_conn", []string{"version"}, func(file string, _ *setup) []string {
		return []string{"run", "--adapter", "caddyfile", "--config", file}
	}, "caddy", 2},
	{"traefik", "wrr", []string{"version"}, func(file string, at *setup) []string {
		return []string{"--entryPoints.web.address=" + at.Listen, "--providers.file.filename=" + file, "--log.level=ERROR"}
	}, "from https://traefik.io, into the PATH", 2}, // net/http as in Caddy; not measured
}

//go:embed conf
var conf embed.FS

// builtIn returns the configuration of a program that comes with Poise.
func builtIn(name string) string {
	text, err := conf.ReadFile("conf/" + name + ".conf")
	if err != nil {
		panic(err) // it is part of the binary
	}
	return string(text)
}

// Names are all that --policies takes.
func Names() []string { return append(slices.Clone(lb.Policies), lb.Adaptive, Rules) }

// Own returns Poise with a policy, adaptive or rules.
func Own(name string) (Subject, error) {
	s := Subject{Name: name, Kind: report.Policy, Program: "poise", Policy: name, Judge: "model", Mode: "auto", Conf: builtIn("poise")}
	switch {
	case name == lb.Adaptive:
		s.Kind = report.Judge
	case name == Rules:
		s.Kind, s.Policy, s.Judge = report.Judge, lb.Adaptive, Rules
	case name == "least-connections":
		s.Name, s.Policy = "least-request", "least-request"
	case !slices.Contains(lb.Policies, name):
		return s, fmt.Errorf("there is no policy %q (%s)", name, scenario.Hint(name, Names()))
	}
	return s, nil
}

// Through reads what --through says: NAME, NAME/POLICY, NAME=FILE, or the
// address of a proxy that runs already.
func Through(text string) (Subject, error) {
	if name, file, is := strings.Cut(text, "="); is {
		p, err := programOf(name)
		if err != nil {
			return Subject{}, err
		}
		conf, err := os.ReadFile(file) //nolint:gosec // the user names the file
		if err != nil {
			return Subject{}, err
		}
		s := Subject{Name: name + " " + strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), Kind: report.Peer, Program: name, Policy: p.policy, Conf: string(conf)}
		return s, s.checkConf(file)
	}
	if host, port, err := net.SplitHostPort(text); err == nil && port != "" {
		if host == "" {
			text = net.JoinHostPort("127.0.0.1", port)
		}
		return Subject{Name: text, Kind: report.Peer, Address: text}, nil
	}
	name, policy, _ := strings.Cut(text, "/")
	p, err := programOf(name)
	if err != nil {
		return Subject{}, err
	}
	if policy == "" {
		policy = p.policy
	}
	if strings.ContainsAny(policy, "{}\n\r") {
		return Subject{}, fmt.Errorf("%q is no policy of %s", policy, name)
	}
	return Subject{Name: name + " " + policy, Kind: report.Peer, Program: name, Policy: policy, Conf: builtIn(name)}, nil
}

func programOf(name string) (*program, error) {
	var names []string
	for i := range programs {
		if programs[i].name == name {
			return &programs[i], nil
		}
		names = append(names, programs[i].name)
	}
	return nil, fmt.Errorf("no proxy %q can be started (%s); give the address of one that runs, as in 127.0.0.1:8080", name, scenario.Hint(name, names))
}

// checkConf reads a configuration as a template. It must say where the proxy
// listens and which endpoints it has, which only a run knows.
func (s *Subject) checkConf(file string) error {
	t, err := template.New(filepath.Base(file)).Option("missingkey=error").Parse(s.Conf)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	at := setup{Listen: "127.0.0.1:10001", Port: "10001", Endpoints: []string{"127.0.0.1:2", "127.0.0.1:3"}, Dir: "/", Policy: s.Policy, Workers: 1}
	var b strings.Builder
	if err := t.Execute(&b, at); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	text := b.String()
	listens := strings.Contains(text, ":10001") || s.Program == "traefik" // which is told in its arguments
	if !listens || !strings.Contains(text, "127.0.0.1:3") {
		return fmt.Errorf("%s: it must say where it listens and what its endpoints are: write {{.Listen}} (or {{.Port}}) and {{range .Endpoints}} … {{.}} … {{end}}", file)
	}
	return nil
}

// suits reports whether a subject makes sense under a scenario: hashing
// without keys is choosing at random, and nobody would configure it.
func (s *Subject) suits(sc *scenario.Scenario) bool {
	_, keyed := sc.Requests()
	return keyed || s.Kind != report.Policy || !slices.Contains([]string{"bounded-hash", "ring-hash", "maglev"}, s.Policy)
}

// weight is how many times the CPU of a request through Poise one takes.
func (s *Subject) weight() int {
	if p, err := programOf(s.Program); err == nil {
		return p.weight
	}
	return 1
}

// version of the program, "" where it tells none.
func (s *Subject) version() string {
	p, err := programOf(s.Program)
	if err != nil {
		return ""
	}
	out, _ := exec.Command(p.name, p.version...).CombinedOutput() //nolint:gosec // one of the programs above
	return versionNumber.FindString(string(out))
}
