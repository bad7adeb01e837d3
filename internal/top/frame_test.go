package top

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"poise/internal/admin"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, file, got string) {
	t.Helper()
	file, got = filepath.Join("testdata", file), got+"\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s\n%s", got, file, want)
	}
}

func TestFrames(t *testing.T) {
	lost := Lost{Since: here.Add(-12 * time.Second), Again: here.Add(4 * time.Second), Why: "no poise answers on 127.0.0.1:9900; start one with `poise serve`"}
	panics := state()
	panics.Clusters[0].Panic, panics.Clusters[0].Engine.Fault = true, "the judgement failed: index out of range"
	for _, tt := range []struct {
		file     string
		size     Size
		keys     []string
		messages []any
	}{
		{"wide", Size{168, 32}, []string{"down"}, nil},
		{"usual", Size{80, 24}, nil, nil},
		{"sorted", Size{100, 24}, []string{"left", "left", "left"}, nil},
		{"narrow", Size{44, 18}, []string{"end"}, nil},
		{"low", Size{100, 9}, nil, nil},
		{"tiny", Size{24, 5}, nil, nil},
		{"holds", Size{80, 30}, []string{"h"}, nil},
		{"pinned", Size{80, 20}, []string{"tab"}, nil},
		{"policies", Size{80, 24}, []string{"p", "down", "down"}, nil},
		{"clusters", Size{80, 16}, []string{"c", "down"}, nil},
		{"question", Size{60, 18}, []string{"d"}, nil},
		{"help", Size{80, 30}, []string{"?"}, nil},
		{"lost", Size{80, 20}, nil, []any{lost}},
		{"panic", Size{80, 20}, nil, []any{panics}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			m := model(Options{From: "127.0.0.1:9900"})
			m.Update(tt.size)
			for _, v := range tt.messages {
				m.Update(v)
			}
			press(m, tt.keys...)
			golden(t, tt.file+".txt", shown(m))
		})
	}
}

func TestFramesBeforeAnythingWasHeard(t *testing.T) {
	m := New(Options{From: "127.0.0.1:9900"})
	m.Update(Size{60, 4})
	golden(t, "waiting.txt", shown(m))
}

func TestFramesInColour(t *testing.T) {
	for _, light := range []bool{false, true} {
		m := model(Options{From: "127.0.0.1:9900", Colour: true})
		m.Update(Size{100, 24})
		m.Update(Light(light))
		golden(t, map[bool]string{false: "dark.ansi", true: "light.ansi"}[light], m.Frame())
	}
}

var escape = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// shown is the frame without its styles.
func shown(m *Model) string { return escape.ReplaceAllString(m.Frame(), "") }

func TestColoursAreNeverTheOnlySignal(t *testing.T) {
	with, without := model(Options{Colour: true}), model(Options{})
	if got, want := escape.ReplaceAllString(with.Frame(), ""), escape.ReplaceAllString(without.Frame(), ""); got != want {
		t.Errorf("in colour it says\n%s\nwithout\n%s", got, want)
	}
	if regexp.MustCompile(`\x1b\[[0-9;]*(3|4|9)[0-9]`).MatchString(without.Frame()) {
		t.Error("there are colours in a frame without")
	}
}

func TestFramesFitEveryTerminal(t *testing.T) {
	lost := Lost{Since: here, Again: here, Why: "a long reason: " + strings.Repeat("word ", 40)}
	for _, tt := range []struct {
		name string
		keys []string
		lost bool
	}{
		{"watching", nil, false},
		{"sorted", []string{"left", "left"}, false},
		{"help", []string{"?"}, false},
		{"policies", []string{"p"}, false},
		{"clusters", []string{"c"}, false},
		{"question", []string{"d"}, false},
		{"lost", nil, true},
	} {
		m := model(Options{From: "a-rather-long-name.example:9900"})
		press(m, tt.keys...)
		if tt.lost {
			m.Update(lost)
		}
		for w := 1; w <= 190; w += 1 + w/20 {
			for h := 1; h < 42; h++ {
				m.Update(Size{w, h})
				lines := strings.Split(escape.ReplaceAllString(m.Frame(), ""), "\n")
				if len(lines) != h {
					t.Fatalf("%s: %d lines in a terminal of %d×%d", tt.name, len(lines), w, h)
				}
				for _, l := range lines {
					if width(l) > w {
						t.Fatalf("%s: a line of %d cells in a terminal of %d×%d: %q", tt.name, width(l), w, h, l)
					}
				}
			}
		}
	}
}

func TestTheCursorIsSeenAmongManyEndpoints(t *testing.T) {
	s := state()
	for port := 10000; port < 10200; port++ {
		s.Clusters[0].Endpoints = append(s.Clusters[0].Endpoints, endpoint(port, nil))
	}
	m := New(Options{})
	m.Update(Size{80, 24})
	m.Update(s)
	for _, key := range []string{"end", "up", "up", "home", "down", "end"} {
		press(m, key)
		if !strings.Contains(shown(m), "▸ "+m.endpoint) {
			t.Errorf("after %q the cursor is on %s:\n%s", key, m.endpoint, m.Frame())
		}
	}
	if !strings.Contains(m.Frame(), "of 205") {
		t.Errorf("it does not say how many there are:\n%s", m.Frame())
	}
}

func TestNothingFromOutsideReachesTheTerminalAsACommand(t *testing.T) {
	const hostile = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r\nx"
	s := state()
	s.Clusters[0].Name, s.Clusters[0].Engine.Fault = "web"+hostile, hostile
	s.Clusters[0].Endpoints[2].Reason, s.Clusters[0].Endpoints[2].Zone = hostile, hostile
	j := journal()
	for i := range j {
		j[i].Cluster, j[i].Text = "web"+hostile, hostile
	}
	m := New(Options{From: hostile})
	m.Update(Size{190, 40})
	m.Update(s)
	m.Update(j)
	press(m, "end", "d")
	m.Update(Lost{Why: hostile})
	for _, shown := range []string{m.Frame(), strings.Join(Lines((*admin.Status)(&s), time.UTC), "\n"), Line(&j[0], time.UTC)} {
		for _, r := range strings.ReplaceAll(escape.ReplaceAllString(shown, ""), "\n", "") {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is shown in %q", r, shown)
			}
		}
	}
}

func TestWideLettersAreCounted(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "−44 % …": 7, "日本": 4, "e\u0301": 1} {
		if got := width(text); got != want {
			t.Errorf("%q takes %d cells; want %d", text, got, want)
		}
	}
	for _, most := range []int{0, 1, 2, 3, 4, 5} {
		for _, cut := range []string{clip("日本語x", most), clipLeft("日本語x", most)} {
			if width(cut) > most {
				t.Errorf("cut to %d cells: %q", most, cut)
			}
		}
	}
	for _, line := range wrap("日本語日本語 and a wordthatistoolong", 5) {
		if width(line) > 5 {
			t.Errorf("a line %q of %d cells", line, width(line))
		}
	}
	if got := strings.Join(wrap("日本語日本語 and a wordthatistoolong", 5), ""); strings.ReplaceAll(got, " ", "") != "日本語日本語andawordthatistoolong" {
		t.Errorf("wrapped to %q", got)
	}
}

func TestFiguresAreShort(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{age(-time.Second), "0s"},
		{age(59 * time.Second), "59s"},
		{age(61 * time.Second), "1m01s"},
		{age(26 * time.Hour), "26h00m"},
		{age(49 * time.Hour), "2d"},
		{number(0), "0"},
		{known(0), "-"},
		{known(4), "4.0"},
		{number(0.04), "0.0"},
		{number(9.94), "9.9"},
		{number(9.96), "10"},
		{number(1234.5), "1234"},
		{failed(0, 0).text, "-"},
		{failed(0, 1).text, "0 %"},
		{failed(0.0042, 1).text, "0.42 %"},
		{failed(1e-6, 1).text, "< 0.01 %"},
		{failed(0.25, 1).text, "25.0 %"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q; want %q", tt.got, tt.want)
		}
	}
}

func TestLinesSayTheSame(t *testing.T) {
	s := admin.Status(state())
	j := journal()
	golden(t, "lines.txt", strings.Join(append(Lines(&s, time.UTC), Line(&j[1], time.UTC)), "\n"))
}
