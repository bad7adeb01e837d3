package scenario

import (
	"flag"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

func TestEveryShippedScenarioParses(t *testing.T) {
	seen := map[string]bool{}
	for _, g := range Groups {
		entries, err := fs.ReadDir(files, g)
		if err != nil || len(entries) == 0 {
			t.Fatalf("%s: %v, %d files", g, err, len(entries))
		}
		for _, e := range entries {
			text, err := files.ReadFile(g + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			s, err := Parse(e.Name(), e.Name(), text)
			if err != nil {
				t.Error(err)
				continue
			}
			if s.About == "" {
				t.Errorf("%s/%s says nothing about itself", g, e.Name())
			}
			if seen[e.Name()] {
				t.Errorf("two scenarios are named %s", e.Name())
			}
			seen[e.Name()] = true
		}
	}
}

// TestErrorsSayWhereAndWhy reads every *.scenario below testdata/errors and
// compares what is said with the golden file beside it.
func TestErrorsSayWhereAndWhy(t *testing.T) {
	all, err := filepath.Glob("testdata/errors/*.scenario")
	if err != nil || len(all) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range all {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".scenario"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(filepath.Base(file), "x", text)
			problems, ok := err.(Problems) //nolint:errorlint // what Parse promises
			if !ok {
				t.Fatalf("%v; want problems", err)
			}
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.Error() + "\n")
				if e := p.Excerpt(); e != "" {
					got.WriteString(e + "\n")
				}
			}
			golden := strings.TrimSuffix(file, ".scenario") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("got:\n%swant:\n%s", &got, want)
			}
		})
	}
}

func parse(t *testing.T, lines ...string) *Scenario {
	t.Helper()
	s, err := Parse("x.scenario", "x", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatEndsIsAsItWasBefore(t *testing.T) {
	s := parse(t, "endpoints web 3 slots 4 service 20ms", "arrivals 100/s",
		"at 20s for 20s web[1] slow x10 fails 5% after 3ms", "at 30s web[1] queue 7", "at 40s for 10s arrivals 50/s batches 3")
	if n := len(s.Events); n != 5 {
		t.Fatalf("%d events; want 5: %+v", n, s.Events)
	}
	during, after := s.Events[0], s.Events[2]
	if during.At != 20*time.Second || during.Endpoint != 1 || during.Settings.Slow != 10 || during.Settings.Fails != 0.05 {
		t.Errorf("at 20 s: %+v %+v", during, during.Settings)
	}
	if after.At != 40*time.Second || after.Settings.Slow != 1 || after.Settings.Fails != 0 || after.Settings.Queue != 7 {
		t.Errorf("at 40 s: %+v %+v; want the speed back and the queue of 7 kept", after, after.Settings)
	}
	if a := s.Events[4].Arrivals; s.Events[4].At != 50*time.Second || a.Rate != 100 || a.Process != Poisson {
		t.Errorf("at 50 s: %+v", a)
	}
}

func TestEveryShapeHasTheMeanOne(t *testing.T) {
	for _, d := range Distributions {
		const n = 1_000_000
		sum := 0.0
		for i := range n {
			sum += Distribution(d).Scale((float64(i) + 0.5) / n)
		}
		if mean := sum / n; math.Abs(mean-1) > 0.005 {
			t.Errorf("%s has the mean %.4f", d, mean)
		}
	}
}

func TestCapacity(t *testing.T) {
	s := parse(t, "endpoints a 5 slots 4 service 20ms", "endpoints b 5 cores 2 service 80ms", "arrivals 1/s")
	if c := s.Capacity(); math.Abs(c-1125) > 1e-6 {
		t.Errorf("%g requests a second; want 1125", c)
	}
}

func FuzzParse(f *testing.F) {
	_ = fs.WalkDir(files, ".", func(path string, e fs.DirEntry, _ error) error {
		if !e.IsDir() {
			text, _ := files.ReadFile(path)
			f.Add(text)
		}
		return nil
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f", "f", text)
		if (s == nil) == (err == nil) {
			t.Fatalf("%v and %v", s, err)
		}
		problems, _ := err.(Problems) //nolint:errorlint // what Parse promises
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.What == "" {
				t.Fatalf("a problem without a place: %+v", p)
			}
			p.Excerpt()
		}
	})
}
