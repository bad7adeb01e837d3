package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"poise/internal/scenario"
)

// A Forecast is a question to the twin beside what then happened.
type Forecast struct {
	N        int    // of the question
	Name     string // kind of change and situation
	Text     string // what the twin said, in one line
	Refused  string // why it said nothing
	P50, P99 Promise
	Void     string // why what was measured says nothing
}

// Promise is a figure in ms as it was when it was asked for, as it was forecast
// with its interval, and as it came.
type Promise struct{ Was, Said, Low, High, Came float64 }

// within is how far what came may be from what was said.
const within = 0.15

// Near reports whether what came is within 15 % of what was said.
func (p Promise) Near() bool { return p.near(p.Said) }

// Naive reports the same of a forecast that nothing changes.
func (p Promise) Naive() bool { return p.near(p.Was) }

func (p Promise) near(said float64) bool {
	return p.Came > 0 && said >= (1-within)*p.Came && said <= (1+within)*p.Came
}

// Held reports whether what came lies in the interval.
func (p Promise) Held() bool { return p.Came >= p.Low && p.Came <= p.High }

// ErrNotBuilt says that a build answers no questions.
var ErrNotBuilt = errors.New("this build does not answer POST /api/v1/clusters/{cluster}/whatif (501)")

// situations are those that questions are asked in.
var situations = []struct{ name, text string }{
	{"equal", "endpoints web 10 slots 4 service 20ms\narrivals %g/s"},
	{"two speeds", "endpoints fast 5 slots 4 service 20ms\nendpoints slow 5 slots 4 service 80ms\narrivals %g/s"},
	{"own", "endpoints big 5 slots 4 service 20ms\nendpoints small 5 slots 2 service 80ms\narrivals %g/s"},
	{"one at a time", "endpoints web 10 slots 1 service 10ms\narrivals %g/s"},
}

var situationRates = []float64{1240, 775, 700, 620} // six tenths of what the endpoints can do

// The times of a trial: it goes on as it was, the question is asked, the change
// comes, and what is then is measured when the change has settled.
const (
	askedAt    = 32 * time.Second
	changedAt  = 33 * time.Second
	settledAt  = 38 * time.Second
	trialEnds  = 68 * time.Second
	startsWith = "least-request"

	// TrialMeasures is for how long what then is is measured.
	TrialMeasures = trialEnds - settledAt
)

// changes are the kinds of questions, and how what they ask comes about: as a
// line of the scenario, as an endpoint that slows down, or by the API.
var changes = []struct {
	name     string
	question func(s *stage, n int) map[string]any
	line     func(rate float64) string
	slower   float64 // the second endpoint, times
	call     func(ctx context.Context, s *stage, n int) error
}{
	{name: "more requests", question: ofLoad("+40%"), line: times(1.4)},
	{name: "fewer requests", question: ofLoad("-50%"), line: times(0.5)},
	{name: "two endpoints less", question: func(s *stage, _ int) map[string]any { return map[string]any{"without": s.two()} }, call: drainTwo},
	{name: "an endpoint slower", question: func(s *stage, _ int) map[string]any { return map[string]any{"slow": []string{"4x:" + s.workers[1]}} }, slower: 4},
	{name: "another policy", question: func(_ *stage, n int) map[string]any { return map[string]any{"policy": others[n%len(others)]} }, call: takeAnother},
}

func ofLoad(change string) func(*stage, int) map[string]any {
	return func(*stage, int) map[string]any { return map[string]any{"load": change} }
}

func times(by float64) func(float64) string {
	return func(rate float64) string { return fmt.Sprintf("arrivals %g/s", by*rate) }
}

// two is an endpoint of each kind.
func (s *stage) two() []string { return []string{s.workers[0], s.workers[len(s.workers)-1]} }

func drainTwo(ctx context.Context, s *stage, _ int) error {
	for _, address := range s.two() {
		if err := s.call(ctx, http.MethodPut, "/api/v1/clusters/web/endpoints/"+address+"/state", map[string]string{"state": "drain"}, nil); err != nil {
			return err
		}
	}
	return nil
}

func takeAnother(ctx context.Context, s *stage, n int) error {
	return s.call(ctx, http.MethodPut, "/api/v1/clusters/web/policy", map[string]string{"policy": others[n%len(others)]}, nil)
}

// others are what each situation goes over to.
var others = []string{"round-robin", "expected-delay", "hot-cold", "p2c"}

// Trials is how many forecasts are tried.
func Trials() int { return len(situations) * len(changes) }

// Try asks questions, brings about what they ask, and measures what then is,
// of all at once.
func (r *Runner) Try(ctx context.Context, questions ...int) ([]*Forecast, error) {
	var all []*Forecast
	var plays []*play
	for _, i := range questions {
		f, p, err := r.trial(i)
		if err != nil {
			return nil, err
		}
		all, plays = append(all, f), append(plays, p)
	}
	r.play(ctx, plays...)
	for i, p := range plays {
		if p.failed != nil {
			return nil, fmt.Errorf("%s: %w", all[i].Name, p.failed)
		}
		v := Values(p.measured())
		all[i].P50.Came, all[i].P99.Came, all[i].Void = v["p50"], v["p99"], p.watched.Void(v["late"]/100)
	}
	return all, nil
}

// trial is question number i before it is asked.
func (r *Runner) trial(i int) (*Forecast, *play, error) {
	n, c := i%len(situations), &changes[i/len(situations)%len(changes)]
	f := &Forecast{N: i, Name: c.name + ", " + situations[n].name}
	sc, err := situation(n, c.line, c.slower)
	if err != nil {
		return nil, nil, err
	}
	of, err := Own(startsWith)
	if err != nil {
		return nil, nil, err
	}
	of.Mode = "advise"
	p := drawn(&of, sc, r.options.seedOf(i+1))
	p.ask = func(ctx context.Context, s *stage) error { return f.ask(ctx, s, c.question(s, n)) }
	if c.call != nil {
		p.change = func(ctx context.Context, s *stage) error { return c.call(ctx, s, n) }
	}
	return f, p, nil
}

// situation is the scenario of a trial. What is measured begins when the
// change has settled.
func situation(n int, line func(float64) string, slower float64) (*scenario.Scenario, error) {
	rate := situationRates[n]
	text := fmt.Sprintf("about a trial\nrun %v warm %v\n"+situations[n].text+"\n", trialEnds, settledAt, rate)
	if line != nil {
		text += fmt.Sprintf("at %v %s\n", changedAt, line(rate))
	}
	sc, err := scenario.Parse("trial", "trial", []byte(text))
	if err != nil || slower == 0 {
		return sc, err
	}
	slow := sc.Endpoints[1].Settings
	slow.Slow = slower
	sc.Events = append(sc.Events, scenario.Event{At: changedAt, Endpoint: 1, Settings: &slow})
	return sc, nil
}

// ask asks the twin. A refusal is an answer.
func (f *Forecast) ask(ctx context.Context, s *stage, question map[string]any) error {
	var v struct {
		Text string
		Now  figures
		Then *figures
	}
	err := s.call(ctx, http.MethodPost, "/api/v1/clusters/web/whatif", question, &v)
	if errors.Is(err, ErrNotBuilt) {
		return err
	}
	if err != nil {
		f.Refused = oneLine(err.Error())
		return nil
	}
	if v.Then == nil {
		f.Refused = "the answer holds no forecast"
		return nil
	}
	f.Text = v.Text
	f.P50, f.P99 = v.Then.P50.promise(v.Now.P50), v.Then.P99.promise(v.Now.P99)
	return nil
}

// figures are those of an answer, in seconds.
type figures struct{ P50, P99 interval }

type interval struct{ Value, Low, High float64 }

func (i interval) promise(was interval) Promise {
	return Promise{Was: 1000 * was.Value, Said: 1000 * i.Value, Low: 1000 * i.Low, High: 1000 * i.High}
}

// call makes a call of Poise's API.
func (s *stage) call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, method, "http://"+s.admin+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	resp, err := controls.Do(q)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusNotImplemented:
		return ErrNotBuilt
	case resp.StatusCode/100 != 2:
		return fmt.Errorf("%s: %s", resp.Status, said)
	case answer == nil:
		return nil
	}
	return json.Unmarshal(said, answer)
}
