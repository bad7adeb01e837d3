package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// written saves what is known of two clusters, as the engine's end does, and
// returns the file.
func written(t *testing.T, dir string, at time.Time) string {
	t.Helper()
	f := openMinds(dir, at, func(err error) { t.Errorf("told of %v", err) })
	over := make(chan struct{})
	f.keep("web", mind{At: at, Instant: 7, Policy: "p2c", Judge: json.RawMessage(`{"version":1}`), Learner: []byte("learnt")})
	f.keep("gone", mind{At: at, Judge: json.RawMessage(`{}`)})
	close(over)
	f.run(over, func() map[string]bool { return map[string]bool{"web": true} })
	return filepath.Join(dir, mindsName)
}

func TestMindsAreTakenOnce(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	path := written(t, dir, now)
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	f := openMinds(dir, now, func(err error) { t.Errorf("told of %v", err) })
	m, ok := f.take("web")
	if !ok || m.Instant != 7 || m.Policy != "p2c" || string(m.Judge) != `{"version":1}` || string(m.Learner) != "learnt" {
		t.Errorf("got %+v, %v", m, ok)
	}
	if _, again := f.take("web"); again {
		t.Error("taken twice: a cluster that failed would fail again")
	}
	if _, ok := f.take("gone"); ok {
		t.Error("a cluster that was no more is kept")
	}
}

// TestMindsThatCannotBeUsedAreRefused: each is told of, and the engine begins
// without.
func TestMindsThatCannotBeUsedAreRefused(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		name  string
		spoil func(text string) string
		at    time.Time
		says  string
	}{
		{"cut short", func(s string) string { return s[:len(s)/2] }, now, "cut short"},
		{"a bit changed", func(s string) string { return strings.Replace(s, `"p2c"`, `"p2d"`, 1) }, now, "was changed"},
		{"another version", func(s string) string { return strings.Replace(s, "state 1 ", "state 2 ", 1) }, now, "version 2"},
		{"another file", func(string) string { return "hello" }, now, "first line"},
		{"empty", func(string) string { return "" }, now, "first line"},
		{"old", func(s string) string { return s }, now.Add(-2 * mindsOldest), "saved at"},
		{"from the future", func(s string) string { return s }, now.Add(time.Hour), "saved at"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := written(t, dir, test.at)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.spoil(string(text))), 0o600); err != nil {
				t.Fatal(err)
			}
			told := ""
			f := openMinds(dir, now, func(err error) { told += err.Error() })
			if _, ok := f.take("web"); ok || !strings.Contains(told, test.says) || !strings.Contains(told, "learns anew") {
				t.Errorf("taken: %v; told of %q; want it refused, and told of with %q", ok, told, test.says)
			}
		})
	}
}

func TestMindsWithoutADirectoryKeepNothing(t *testing.T) {
	f := openMinds("", time.Now(), func(err error) { t.Errorf("told of %v", err) })
	f.keep("web", mind{})
	if err := f.save(map[string]bool{"web": true}); err != nil {
		t.Error(err)
	}
}

func TestADiskThatFailsIsToldOfOnce(t *testing.T) {
	dir := t.TempDir()
	var told []error
	f := openMinds(dir, time.Now(), func(err error) { told = append(told, err) })
	f.path = filepath.Join(dir, "none", mindsName)
	web := map[string]bool{"web": true}
	f.keep("web", mind{Judge: json.RawMessage(`{}`)})
	f.noted(f.save(web))
	f.noted(f.save(web))
	f.path = filepath.Join(dir, mindsName)
	f.noted(f.save(web))
	if len(told) != 2 || told[0] == nil || told[1] != nil {
		t.Errorf("told of %v; want the failure once, and its end", told)
	}
	if _, err := os.Stat(f.path); err != nil {
		t.Error("what was to be kept when the disk failed is lost")
	}
}
