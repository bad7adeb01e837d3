package bench

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"poise/internal/load"
)

func TestAnAccountSaysHowBusyEndpointsWere(t *testing.T) {
	sc := stretched(parsed(t, "run 30s warm 5s\nendpoints a 1 slots 2 service 20ms\nendpoints b 1 slots 1 service 80ms\narrivals 10/s\n"), Warm+10*time.Second)
	p := &play{
		of: &Subject{Program: poise}, sc: sc, stage: &stage{workers: []string{"a:1", "a:2"}}, began: time.Unix(9, 0), journal: []byte(`{"decisions":[]}`),
		plan:    []load.Job{{Work: time.Second}, {Work: time.Second}, {Work: time.Second}, {Work: time.Second}},
		samples: []Sample{{N: 0, Due: Warm}, {N: 1, Due: Warm}, {N: 2, Due: Warm, Worker: 1}, {N: 3, Due: 0}},
	}
	cell := func() *Cell {
		text, err := json.Marshal(p.account())
		if err != nil {
			t.Fatal(err)
		}
		return &Cell{Detail: map[string]json.RawMessage{"account": text}}
	}
	a := AccountOf(cell())
	if !slices.Equal(a.Busy, []float64{0.1, 0.4}) || !a.Began.Equal(time.Unix(9, 0)) || string(a.Journal) != `{"decisions":[]}` || !slices.Equal(a.Workers, []string{"a:1", "a:2"}) {
		t.Errorf("%+v; want 2 s of 20 and 4 s of 10, without the warm-up", a)
	}
	p.sc = stretched(parsed(t, changing), 21*time.Second)
	if a := AccountOf(cell()); a.Busy != nil {
		t.Errorf("%v although what a job takes changes", a.Busy)
	}
	p.of = &Subject{Program: "nginx"}
	if a := AccountOf(cell()); a.Journal != nil {
		t.Error("another proxy has an account")
	}
}
