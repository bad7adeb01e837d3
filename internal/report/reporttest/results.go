// Package reporttest makes results up, as large as they are wanted, for those
// who look at pages.
package reporttest

import (
	"fmt"
	"math"
	"time"

	"poise/internal/report"
	"poise/internal/stats"
)

// Size is how much there is.
type Size struct {
	Policies, Scenarios int
	Endpoints, Seconds  int
	Rounds              int
}

// Results draws results of a size: the same every time.
func Results(s Size) *report.Results {
	dice := stats.NewDice(1)
	r := &report.Results{
		Title: "Policies and proxies over real sockets", When: time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC), Machine: "a machine that was made up, 2 cores",
		Size: "hour", Command: "poise bench --size hour --out report.html", Warm: 3, Length: float64(s.Seconds), Rounds: s.Rounds,
		Programs: []report.Program{{Name: "poise", Version: "1.0"}}, Notes: []string{"Every number here is made up."},
	}
	for i := range s.Scenarios {
		sc := report.Scenario{Name: fmt.Sprintf("scenario-%d", i+1), About: "half of the endpoints are four times slower, and one <fails> for a while", Rate: 750 + 100*float64(i), Load: 0.6 + 0.02*float64(i)}
		for e := range s.Endpoints {
			group := "fast"
			if e >= s.Endpoints/2 {
				group = "slow"
			}
			sc.Endpoints = append(sc.Endpoints, report.Endpoint{Name: fmt.Sprintf("%s[%d]", group, e), Group: group})
		}
		third := float64(s.Seconds) / 3
		sc.Marks = []report.Mark{{From: third, To: 2 * third, Endpoints: []int{s.Endpoints - 1}, Text: "slow[1] fails 30%"}}
		for p := range s.Policies {
			sc.Rows = append(sc.Rows, row(&dice, s, p))
		}
		for range s.Rounds {
			sc.Floor, sc.Central = append(sc.Floor, 31), append(sc.Central, 36)
		}
		r.Scenarios = append(r.Scenarios, sc)
	}
	for i := range r.Scenarios {
		for _, row := range r.Scenarios[i].Rows {
			for round := range s.Rounds {
				r.Cells = append(r.Cells, report.Cell{Scenario: r.Scenarios[i].Name, Subject: row.Subject, Round: round + 1, State: report.Measured})
			}
		}
	}
	if len(r.Cells) > 0 {
		last := &r.Cells[len(r.Cells)-1]
		last.State, last.Why = report.Void, "a core was busy for 93 % of 5 s"
	}
	return r
}

var names = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin", "random", "bounded-hash"}

func row(dice *stats.Dice, s Size, p int) report.Row {
	v := report.Row{Kind: report.Policy}
	switch {
	case p == s.Policies-1:
		v.Subject, v.Kind = "adaptive", report.Judge
	case p == s.Policies-2 && s.Policies > 3:
		v.Subject, v.Kind = "haproxy leastconn", report.Peer
	case p < len(names):
		v.Subject = names[p]
	default:
		v.Subject = fmt.Sprintf("policy-%d", p)
	}
	times := 1 + 0.35*float64(p%6)*(0.8+0.4*dice.Float64())
	for round := range s.Rounds {
		v.Runs = append(v.Runs, run(dice, s, round+1, times))
	}
	if v.Kind == report.Judge {
		r := &v.Runs[0]
		r.Final = names[0]
		for i := range 6 {
			d := report.Decision{At: 4 * float64(i+1), Action: "hold", Text: "holds least-request: the gain is below the margin", Reasons: []string{"margin: 2 % of 5 %"}}
			if i == 1 || i == 3 {
				d = report.Decision{At: 4 * float64(i+1), Action: "switch", To: names[0], Text: "switches to expected-delay: 41 ms instead of 68", Reasons: []string{"the fastest endpoint does 4.1 times what the slowest does"}, Outcome: "kept: 40 ms"}
			}
			r.Decisions = append(r.Decisions, d)
		}
	}
	return v
}

func run(dice *stats.Dice, s Size, round int, times float64) report.Run {
	v := report.Run{Round: round, Values: map[string]float64{}, Spread: map[string][2]float64{}}
	for name, of := range map[string]float64{"mean": 24, "p50": 18, "p90": 48, "p99": 95, "p99.9": 160, "loss": 36} {
		x := of * times
		v.Values[name], v.Spread[name] = math.Round(100*x)/100, [2]float64{math.Round(95*x) / 100, math.Round(106*x) / 100}
	}
	v.Values["failed"], v.Values["cpu"], v.Values["requests"] = 0.1*times, 80, 10_000
	for at := range s.Seconds {
		wave := 1 + 0.3*math.Sin(float64(at)/3) + 0.1*dice.Float64()
		if at > s.Seconds/3 && at < 2*s.Seconds/3 {
			wave *= times
		}
		t := report.Second{At: at, Requests: 700, Failed: at % 3, P50: 18 * times * wave, P99: 95 * times * wave}
		for e := range s.Endpoints {
			share := 70.0 + 10*dice.Float64()
			if e >= s.Endpoints/2 {
				share /= 1 + 2/times
			}
			t.Shares = append(t.Shares, int(share))
			t.InFlight = append(t.InFlight, math.Round(10*share/25*wave)/10)
		}
		v.Seconds = append(v.Seconds, t)
	}
	return v
}
