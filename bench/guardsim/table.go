package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"

	"poise/internal/sim"
	"poise/internal/sim/suite"
)

// most is what the guard may cost: its loss over that without it.
const most = 1.10

// cell is one scenario under one policy, averaged over the seeds.
type cell struct {
	Scenario, Policy     string
	Off, On              float64 // loss in seconds
	FailedOff, FailedOn  float64 // share
	Before, FailedBefore float64 `json:"-"` // of an earlier build, with its guard
}

func (c *cell) ratio() float64 { return c.On / c.Off }

type table struct {
	seeds   int
	cells   []*cell
	byName  map[[2]string]*cell
	earlier bool
}

// compare plays every scenario both ways.
func compare(ctx context.Context, p *suite.Plan) (*table, error) {
	t := &table{seeds: len(p.Seeds), byName: map[[2]string]*cell{}}
	on := p.Scenarios
	for _, guarded := range []bool{false, true} {
		p.Scenarios = nil
		for _, s := range on {
			other := *s
			other.Guard = guarded
			p.Scenarios = append(p.Scenarios, &other)
		}
		results, err := p.Run(ctx)
		if err != nil {
			return nil, err
		}
		for i := range results {
			t.take(&results[i], guarded)
		}
	}
	return t, nil
}

func (t *table) take(r *sim.Result, guarded bool) {
	name := [2]string{r.Scenario, r.Contender.String()}
	c := t.byName[name]
	if c == nil {
		c = &cell{Scenario: name[0], Policy: name[1]}
		t.byName[name] = c
		t.cells = append(t.cells, c)
	}
	loss, failed := &c.Off, &c.FailedOff
	if guarded {
		loss, failed = &c.On, &c.FailedOn
	}
	*loss += r.Loss / float64(t.seeds)
	*failed += r.Failed / float64(t.seeds)
}

// beside reads what an earlier build came to.
func (t *table) beside(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var cells []cell
	if err := json.Unmarshal(text, &cells); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for i := range cells {
		if c := t.byName[[2]string{cells[i].Scenario, cells[i].Policy}]; c != nil {
			c.Before, c.FailedBefore = cells[i].On, cells[i].FailedOn
			t.earlier = true
		}
	}
	return nil
}

// text is the whole as Markdown.
func (t *table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The guard in simulated time\n\n")
	fmt.Fprintf(&b, "Written by `go run ./bench/guardsim`: %d scenarios and policies, %d seeds, the same requests with the guard and without it.\n", len(t.cells), t.seeds)
	fmt.Fprintf(&b, "Loss is mean + 0.1 × mean of the worst 1 %%, in ms; a failure counts 2 s. With the guard it may be at most %.2f times what it is without.\n\n", most)
	t.summary(&b, "the guard", func(c *cell) (loss, failed float64) { return c.On, c.FailedOn })
	if t.earlier {
		t.summary(&b, "the guard before", func(c *cell) (loss, failed float64) { return c.Before, c.FailedBefore })
	}
	fmt.Fprintf(&b, "\n| scenario | policy | without | %swith | with / without |\n|---|---|---:|%s---:|---:|\n", t.column("before | "), t.column("---:|"))
	for _, c := range t.cells {
		fmt.Fprintf(&b, "| %s | %s | %s | ", c.Scenario, c.Policy, figures(c.Off, c.FailedOff))
		if t.earlier {
			fmt.Fprintf(&b, "%s | ", figures(c.Before, c.FailedBefore))
		}
		mark := ""
		if c.ratio() > most {
			mark = " **!**"
		}
		fmt.Fprintf(&b, "%s | %.2f%s |\n", figures(c.On, c.FailedOn), c.ratio(), mark)
	}
	return b.String()
}

func (t *table) column(text string) string {
	if t.earlier {
		return text
	}
	return ""
}

// summary is one line about all cells.
func (t *table) summary(b *strings.Builder, what string, of func(*cell) (loss, failed float64)) {
	logs, over, better := 0.0, 0, 0
	var worst *cell
	least := 0.0
	for _, c := range t.cells {
		loss, _ := of(c)
		ratio := loss / c.Off
		logs += math.Log(ratio)
		if ratio > most {
			over++
		}
		if ratio < 1/most {
			better++
		}
		if ratio > least {
			least, worst = ratio, c
		}
	}
	fmt.Fprintf(b, "- With %s: geometric mean of the ratio %.3f; over %.2f in %d, under %.2f in %d of %d; worst %.2f (%s, %s).\n",
		what, math.Exp(logs/float64(len(t.cells))), most, over, 1/most, better, len(t.cells), least, worst.Scenario, worst.Policy)
}

func figures(loss, failed float64) string {
	if failed < 0.00005 {
		return fmt.Sprintf("%.1f", 1000*loss)
	}
	return fmt.Sprintf("%.1f (%.2g %% failed)", 1000*loss, 100*failed)
}
