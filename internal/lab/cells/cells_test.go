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
	work := Work[key]{Keys: keys, Take: take, Cost: func(key) time.Duration { return time.Second }, Say: func(*Cell[key], string) {}}
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
		Take: func(context.Context, key) (*Cell[key], error) {
			time.Sleep(50 * time.Millisecond)
			return &Cell[key]{}, nil
		},
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
		Take: func(_ context.Context, k key) (*Cell[key], error) {
			n := running.Add(1)
			defer running.Add(-1)
			if k.Name == "d" && n > 1 {
				t.Error("one that needs the whole machine has company")
			}
			time.Sleep(30 * time.Millisecond)
			most.Store(max(most.Load(), running.Load()))
			return &Cell[key]{}, nil
		},
		Cost: func(key) time.Duration { return 0 }, Say: func(*Cell[key], string) {},
	}
	if err := s.Run(t.Context(), w); err != nil || most.Load() != 2 || len(s.Left(w.Keys)) != 0 {
		t.Errorf("%v, %d at once, %d left; want 2 and none", err, most.Load(), len(s.Left(w.Keys)))
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
