package guard

import (
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"poise/bench/rig"
)

//go:embed *.cfg
var configurations embed.FS

// The arms of a figure.
const (
	Guard   = "guard"
	Control = "control"
	HAProxy = "haproxy"
	Nginx   = "nginx"
)

// own reports whether an arm is Poise.
func own(arm string) bool { return arm == Guard || arm == Control }

// configuration names the one of an arm.
func (s *Scenario) configuration(arm string) string {
	switch arm {
	case Guard:
		return s.On
	case Control:
		return s.Off
	case HAProxy:
		return s.HAProxy
	}
	return s.Nginx
}

// fault is the one of an arm.
func (s *Scenario) fault(arm string) Fault {
	if arm == Control && s.ControlFault != nil {
		return *s.ControlFault
	}
	return s.Fault
}

// blanks are what a configuration leaves open.
type blanks struct {
	Listen, Admin, Policy, Dir string
	Endpoints                  []string
}

// filled returns the configuration of that name without the lines of some
// keys.
func filled(name string, b blanks, without []string) (string, error) {
	text, err := configurations.ReadFile(name)
	if err != nil {
		return "", err
	}
	t, err := template.New(name).Parse(string(text))
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if err := t.Execute(&out, b); err != nil {
		return "", err
	}
	var kept []string
	for line := range strings.Lines(out.String()) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(line, "    ") || !slices.Contains(without, key) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, ""), nil
}

var notBuilt = regexp.MustCompile(`clusters\[0\]\.(\w+)[\w.]*: not built yet`)

// unbuilt returns the keys of a cluster that a build refuses as not built yet;
// any other complaint is an error.
func unbuilt(said string) (keys []string, err error) {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, " ") || strings.TrimSpace(line) == "" { // the line of the file, and the caret
			continue
		}
		m := notBuilt.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("poise check: %s", strings.TrimSpace(line))
		}
		if !slices.Contains(keys, m[1]) {
			keys = append(keys, m[1])
		}
	}
	return keys, nil
}

// lacks asks a build which keys of a configuration it does not have.
func lacks(ctx context.Context, bin, dir, name string) ([]string, error) {
	b := blanks{Listen: "127.0.0.1:1", Admin: "127.0.0.1:2", Policy: Policies[0], Endpoints: []string{"127.0.0.1:3"}}
	text, err := filled(name, b, nil)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "check-"+name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, bin, "check", "-c", file).CombinedOutput()
	if err == nil {
		return nil, nil
	}
	return unbuilt(string(out))
}

// subject is the proxy of one run.
type subject struct {
	*rig.Process
	blanks
}

// start starts the proxy of an arm.
func (r *Runner) start(ctx context.Context, k Key, endpoints []string, dir string) (*subject, error) {
	s := &subject{blanks: blanks{Policy: k.Policy, Endpoints: endpoints, Dir: dir}}
	var err error
	if s.Listen, err = rig.FreeAddress(); err != nil {
		return nil, err
	}
	if s.Admin, err = rig.FreeAddress(); err != nil {
		return nil, err
	}
	name := scenario(k.Figure).configuration(k.Arm)
	text, err := filled(name, s.blanks, r.without[name])
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	args := map[string][]string{
		Guard: {r.Poise, "serve", "-c", file}, Control: {r.Poise, "serve", "-c", file},
		HAProxy: {"haproxy", "-db", "-f", file}, Nginx: {"nginx", "-e", dir + "/nginx.log", "-c", file},
	}[k.Arm]
	if s.Process, err = rig.Start(r.Layout.Proxy, args[0], args[1:]...); err != nil {
		return nil, err
	}
	if err := s.Ready(ctx, s.Listen); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}
