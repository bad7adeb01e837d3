package cells

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

type key struct {
	Name string `json:"name"`
	Seed int    `json:"seed"`
}

func (k key) File() string   { return filepath.Join(k.Name, "cell-"+string(rune('0'+k.Seed))+".json") }
func (k key) String() string { return k.Name }

func identityOf(build string) func(key) (string, error) {
	return func(k key) (string, error) {
		if k.Name == "" {
			return "", errors.New("no such cell")
		}
		return build + k.Name, nil
	}
}

func TestAPlanGoesOnWhereItWas(t *testing.T) {
	dir := t.TempDir()
	keys := []key{{"a", 1}, {"b", 1}, {"a", 2}}
	tries := map[key]int{}
	stop := errors.New("stop")
	take := func(_ context.Context, k key) (*Cell[key], error) {
		tries[k]++
		switch {
		case k == keys[1] && tries[k] == 1:
			return nil, stop // taken again
		case k == keys[2] && tries[k] < 3:
			return &Cell[key]{Void: "busy"}, nil // void twice, and left at that
		}
		return &Cell[key]{Values: map[string]float64{"x": 1.5}, Detail: map[string]json.RawMessage{"d": json.RawMessage(`[1]`)}}, nil
	}
	work := Work[key]{Keys: keys, Take: Each(take), Cost: func(key) time.Duration { return time.Second }, Say: func(*Cell[key], string) {}}
	s, err := Open(dir, identityOf("1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, identityOf("1")); err != nil {
		t.Fatal(err)
	}
	if left := s.Left(keys); !slices.Equal(left, keys[2:]) {
		t.Errorf("left is %v; want the void one", left)
	}
	if c := s.Of(keys[0]); c == nil || c.Values["x"] != 1.5 || string(c.Detail["d"]) == "" || c.Key != keys[0] {
		t.Errorf("read back: %+v", c)
	}
	if err := s.Run(t.Context(), work); err != nil || tries[keys[0]] != 1 || tries[keys[1]] != 2 || tries[keys[2]] != 3 {
		t.Errorf("%v; tries: %v; want 1, 2 and 3", err, tries)
	}
	if other, err := Open(dir, identityOf("2")); err != nil || len(other.Left(keys)) != 3 {
		t.Errorf("cells of another build count: %v", err)
	}
}

func TestABudgetEndsARun(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "none"), identityOf(""))
	if err != nil {
		t.Fatal(err)
	}
	w := Work[key]{
		Keys: []key{{"a", 1}, {"b", 1}}, Budget: 90 * time.Millisecond,
		Take: Each(func(context.Context, key) (*Cell[key], error) {
			time.Sleep(50 * time.Millisecond)
			return &Cell[key]{}, nil
		}),
		Cost: func(key) time.Duration { return 50 * time.Millisecond }, Say: func(*Cell[key], string) {},
	}
	if err := s.Run(t.Context(), w); !errors.Is(err, ErrBudget) || len(s.Left(w.Keys)) != 1 {
		t.Errorf("%v with %d left; want the budget and one", err, len(s.Left(w.Keys)))
	}
}

func TestCellsThatFitRunSideBySide(t *testing.T) {
	s, err := Open(t.TempDir(), identityOf(""))
	if err != nil {
		t.Fatal(err)
	}
	var running, most atomic.Int32
	w := Work[key]{
		Keys: []key{{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1}}, Weight: func(k key) float64 { return map[string]float64{"d": 3}[k.Name] + 0.4 },
		Take: Each(func(_ context.Context, k key) (*Cell[key], error) {
			n := running.Add(1)
			defer running.Add(-1)
			if k.Name == "d" && n > 1 {
				t.Error("one that needs the whole machine has company")
			}
			time.Sleep(30 * time.Millisecond)
			most.Store(max(most.Load(), running.Load()))
			return &Cell[key]{}, nil
		}),
		Cost: func(key) time.Duration { return 0 }, Say: func(*Cell[key], string) {},
	}
	if err := s.Run(t.Context(), w); err != nil || most.Load() != 2 || len(s.Left(w.Keys)) != 0 {
		t.Errorf("%v, %d at once, %d left; want 2 and none", err, most.Load(), len(s.Left(w.Keys)))
	}
	if got := s.AtOnce(w.Keys); got != "1 (3 runs), 2 (2 runs)" {
		t.Errorf("%q; want that a and b were taken at once", got)
	}
}

func TestHowManyWereTakenAtOnceIsSaid(t *testing.T) {
	s, err := Open(t.TempDir(), identityOf(""))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.AtOnce(s.Keys()); got != "no runs" {
		t.Errorf("%q of no runs", got)
	}
	for i, c := range []Cell[key]{{}, {Lanes: 1}, {Lanes: 3}, {Lanes: 4, Void: "busy"}} {
		c.Key = key{"a", i}
		if err := s.Add(&c); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.AtOnce(s.Keys()); got != "1 (2 runs), 3 (1 runs)" {
		t.Errorf("%q; want that of the good ones", got)
	}
}

func TestStepsKeepTheOrderAndTheRoom(t *testing.T) {
	needs := map[string]float64{"a": 1, "b": 2, "c": 4}
	work := func(room float64) *Work[key] {
		return &Work[key]{
			Weight: func(k key) float64 { return needs[k.Name] }, Room: room,
			Cost: func(k key) time.Duration { return time.Duration(needs[k.Name]) * time.Second },
		}
	}
	keysOf := func(names string) (keys []key) {
		for i, n := range names {
			keys = append(keys, key{string(n), i})
		}
		return keys
	}
	for _, tt := range []struct {
		names string
		room  float64
		want  []int
	}{
		{"aaaa", 3, []int{3, 1}},
		{"aaba", 3, []int{2, 2}}, // the third waits, and the fourth does not overtake it
		{"bbab", 3, []int{1, 2, 1}},
		{"acab", 3, []int{1, 1, 2}}, // what needs more than there is runs alone
		{"ab", 0, []int{1, 1}},
		{"", 3, nil},
	} {
		var got []int
		steps := work(tt.room).Steps(keysOf(tt.names))
		for _, s := range steps {
			got = append(got, len(s))
		}
		if !slices.Equal(got, tt.want) || !slices.Equal(slices.Concat(steps...), keysOf(tt.names)) {
			t.Errorf("%s in %v: %v; want %v", tt.names, tt.room, steps, tt.want)
		}
	}
	if got := work(3).Span(keysOf("abac")); got != 7*time.Second {
		t.Errorf("%v; want the longest of each step, 2, 1 and 4 s", got)
	}
}

func TestWhatWasVoidIsTakenAgainAlone(t *testing.T) {
	s, err := Open(t.TempDir(), identityOf(""))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	w := Work[key]{
		Keys: []key{{"a", 1}, {"b", 1}, {"c", 1}}, Weight: func(key) float64 { return 1 }, Room: 2, Cost: func(key) time.Duration { return time.Minute },
		Take: func(_ context.Context, keys []key) (all []*Cell[key]) {
			for _, k := range keys {
				c := &Cell[key]{}
				if k.Name == "b" && len(keys) > 1 {
					c.Void = "busy"
				}
				all = append(all, c)
			}
			return all
		},
		Say: func(c *Cell[key], progress string) { said = append(said, c.Key.Name+" "+progress) },
	}
	if err := s.Run(t.Context(), w); err != nil || len(s.Left(w.Keys)) > 0 {
		t.Errorf("%v, left are %v", err, s.Left(w.Keys))
	}
	want := []string{"a 1 of 3, about 1m0s left", "b 2 of 3, about 1m0s left", "c 3 of 3, about 0s left", "b 1 of 1, about 0s left"}
	if !slices.Equal(said, want) {
		t.Errorf("%q; want %q", said, want)
	}
	if got := s.AtOnce(w.Keys); got != "1 (2 runs), 2 (1 runs)" {
		t.Errorf("%q; want a beside another", got)
	}
}

func TestAnInterruptKeepsWhatHasEnded(t *testing.T) {
	s, err := Open(t.TempDir(), identityOf(""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w := Work[key]{
		Keys: []key{{"a", 1}, {"b", 1}, {"c", 1}}, Weight: func(key) float64 { return 1 }, Room: 2, Cost: func(key) time.Duration { return 0 },
		Take: Each(func(ctx context.Context, k key) (*Cell[key], error) {
			if k.Name == "a" {
				return &Cell[key]{}, nil
			}
			cancel()
			return nil, ctx.Err()
		}),
		Say: func(*Cell[key], string) {},
	}
	if err := s.Run(ctx, w); err == nil || !slices.Equal(s.Left(w.Keys), w.Keys[1:]) || s.Of(w.Keys[1]) != nil {
		t.Errorf("%v, left are %v; want that a is kept and b, which was cut off, leaves nothing", err, s.Left(w.Keys))
	}
}

func TestAFileThatIsNoCellIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.json": "{", "b.json": `{"name":"a","seed":1,"identity":"a"}`, "c.txt": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(dir, identityOf(""))
	if err != nil || s.Of(key{"a", 1}) != nil {
		t.Errorf("%v, %+v; want nothing, since none lies where its key says", err, s.Of(key{"a", 1}))
	}
}
