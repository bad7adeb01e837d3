package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"

	"poise/internal/admin"
	"poise/internal/decide"
	"poise/internal/top"
)

var errRefused = errors.New("no poise answers on here\nand a second line")

// poise is an API that a test plays.
type poise struct {
	status    admin.Status
	decisions []admin.Decision
	down      bool
	mu        sync.Mutex
	calls     []string
	stream    func(ctx context.Context, last string, got func(Event) error) error
}

// change changes what it answers.
func (p *poise) change(down bool, decisions ...admin.Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.decisions = down, decisions
}

func (p *poise) api() API {
	return API{Call: p.call, Stream: func(ctx context.Context, last string, got func(Event) error) error {
		return p.stream(ctx, last, got)
	}}
}

func (p *poise) call(_ context.Context, method, path string, body, v any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, fmt.Sprint(method, " ", path, " ", body))
	if p.down {
		return errRefused
	}
	var answer any = p.status.Clusters[0]
	switch {
	case path == "/api/v1/clusters":
		answer = p.status
	case strings.HasPrefix(path, "/api/v1/decisions"):
		answer = admin.Decisions{Decisions: p.decisions}
	case strings.Contains(path, "/actions"):
		answer = map[string]any{"actions": []admin.Action{}}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func newPoise() *poise {
	return &poise{
		status: admin.Status{Now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Clusters: []admin.Cluster{
			{Name: "web", Policy: "p2c", Configured: "p2c", Engine: admin.EngineState{Mode: "auto"}, Endpoints: []admin.Endpoint{{Address: "10.0.0.1:80", State: "healthy", Eligible: true, Weight: 1}}},
			{Name: "api", Policy: "p2c", Configured: "p2c", Engine: admin.EngineState{Mode: "auto"}},
		}},
		decisions: []admin.Decision{decision(1)},
	}
}

func decision(id uint64) admin.Decision {
	return admin.Decision{ID: id, Decision: decide.Decision{Cluster: "web", Action: decide.Hold, Text: fmt.Sprintf("judgement %d", id)}}
}

func event(id, kind string, v any) Event {
	b, _ := json.Marshal(v)
	return Event{ID: id, Kind: kind, Data: b}
}

// told says what messages were sent, in short.
func told(messages []any) string {
	var all []string
	for _, m := range messages {
		switch v := m.(type) {
		case top.State:
			all = append(all, "state")
		case top.Journal:
			for _, d := range v {
				all = append(all, fmt.Sprint("decision ", d.ID))
			}
		case top.Lost:
			all = append(all, fmt.Sprintf("lost for %v: %s", v.Again.Sub(v.Since), v.Why))
		}
	}
	return strings.Join(all, ", ")
}

func TestAStreamThatBreaksOffIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, tries := newPoise(), []string{}
		ctx, cancel := context.WithCancel(t.Context())
		p.stream = func(_ context.Context, last string, got func(Event) error) error {
			tries = append(tries, last)
			switch len(tries) {
			case 1:
				if err := errors.Join(got(event("11", "state", p.status)), got(event("12", "decision", decision(2))), got(event("13", "news", 1))); err != nil {
					t.Error(err)
				}
				return io.ErrUnexpectedEOF
			case 2:
				return errRefused
			}
			_ = got(event("14", "state", p.status))
			cancel()
			return nil
		}
		var messages []any
		f := feed{api: p.api(), send: func(m any) { messages = append(messages, m) }}
		f.run(ctx)
		if got := strings.Join(tries, " "); got != " 13 13" {
			t.Errorf("it asked to go on behind %q", got)
		}
		want := "decision 1, state, decision 2, lost for 500ms: unexpected EOF, lost for 1s: no poise answers on here, decision 1, state"
		if got := told(messages); got != want {
			t.Errorf("told %s\nwant %s", got, want)
		}
	})
}

func TestPausesGrowUpToTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoise()
		p.stream = func(context.Context, string, func(Event) error) error { return errRefused }
		ctx, cancel := context.WithTimeout(t.Context(), 36*time.Second)
		defer cancel()
		var pauses []time.Duration
		f := feed{api: p.api(), send: func(m any) {
			if l, ok := m.(top.Lost); ok {
				pauses = append(pauses, l.Again.Sub(l.Since))
			}
		}}
		f.run(ctx)
		if got := fmt.Sprint(pauses); got != "[500ms 1s 2s 4s 8s 10s 10s 10s]" {
			t.Errorf("pauses %s", got)
		}
	})
}

func TestAConnectionThatSaysNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoise()
		p.stream = func(ctx context.Context, _ string, got func(Event) error) error {
			for range 4 { // alive as long as something comes
				time.Sleep(silent - time.Second)
				if ctx.Err() != nil {
					t.Error("it was given up while it told something")
				}
				_ = got(event("1", "state", p.status))
			}
			<-ctx.Done()
			return ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*(silent-time.Second)+silent+time.Millisecond)
		defer cancel()
		var messages []any
		f := feed{api: p.api(), send: func(m any) { messages = append(messages, m) }}
		f.run(ctx)
		if got := told(messages); got != "decision 1, state, state, state, state, lost for 500ms: nothing has come for 5s" {
			t.Errorf("told %s", got)
		}
	})
}

func TestAnEventThatCannotBeReadBreaksOff(t *testing.T) {
	for _, kind := range []string{"state", "decision"} {
		f := feed{send: func(any) { t.Error("something was told") }}
		if err := f.pass(&Event{Kind: kind, Data: []byte("{")}); err == nil {
			t.Errorf("half of a %s is no error", kind)
		}
	}
}

func TestLinesWithTheDecisionsBetweenThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoise()
		var out, errs bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Lines(ctx, p.api(), LineOptions{Every: 2 * time.Second, Cluster: "web", Zone: time.UTC, Out: &out, Err: &errs})
		}()
		pause := time.Second // so that changes come between two snapshots
		step := func(wantOut, wantErr string) {
			t.Helper()
			time.Sleep(pause)
			synctest.Wait()
			pause = 2 * time.Second
			if out.String() != wantOut || errs.String() != wantErr {
				t.Errorf("printed %q and said %q; want %q and %q", out.String(), errs.String(), wantOut, wantErr)
			}
			out.Reset()
			errs.Reset()
		}
		const snapshot = "12:00:00 web  policy p2c, as configured; engine auto; 0/s, 0 in flight, 1 of 1 in use\n" +
			"12:00:00 web  10.0.0.1:80  healthy for 106751d, 0 in flight, 0/s, - failed, p50 -, p99 -\n"
		step(snapshot, "")
		p.change(false, decision(1), decision(2))
		step("00:00:00 web  decision 2: judgement 2\n"+snapshot, "")
		p.change(true)
		step("", "poise: no poise answers on here; again in 2s\n")
		p.change(false, decision(1)) // started anew
		step("00:00:00 web  decision 1: judgement 1\n"+snapshot, "")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestLinesEnd(t *testing.T) {
	p := newPoise()
	var out bytes.Buffer
	o := LineOptions{Every: time.Millisecond, Count: 3, Zone: time.UTC, Out: &out, Err: io.Discard}
	if err := Lines(t.Context(), p.api(), o); err != nil || strings.Count(out.String(), " api  policy") != 3 {
		t.Errorf("%v with\n%s", err, out.String())
	}
	o.Cluster = "wbe"
	if err := Lines(t.Context(), p.api(), o); err == nil || !strings.Contains(err.Error(), "there is no cluster wbe") {
		t.Errorf("of a cluster that is none: %v", err)
	}
	p.down = true
	if err := Lines(t.Context(), p.api(), o); !errors.Is(err, errRefused) {
		t.Errorf("where nobody answers: %v", err)
	}
}

// screened runs the view with a screen that is none.
func screened(t *testing.T, p *poise, o top.Options, keys string) (shown string, err error) {
	t.Helper()
	p.stream = func(ctx context.Context, _ string, got func(Event) error) error {
		_ = got(event("1", "state", p.status))
		<-ctx.Done()
		return ctx.Err()
	}
	in, typed := io.Pipe()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		for _, k := range keys {
			time.Sleep(100 * time.Millisecond)
			_, _ = io.WriteString(typed, string(k))
		}
		if keys == "" {
			time.Sleep(300 * time.Millisecond)
			cancel()
		}
	}()
	var out bytes.Buffer
	err = terminal(ctx, p.api(), o, tea.WithInput(in), tea.WithOutput(&out), tea.WithWindowSize(80, 24))
	return out.String(), err
}

func TestTerminalShowsAndSteers(t *testing.T) {
	p := newPoise()
	shown, err := screened(t, p, top.Options{From: "here"}, "dyq")
	if err != nil || !strings.Contains(shown, "10.0.0.1:80") || !strings.Contains(shown, "poise top") {
		t.Errorf("%v after showing %q", err, shown)
	}
	if got := strings.Join(p.calls, "\n"); !strings.Contains(got, "PUT /api/v1/clusters/web/endpoints/10.0.0.1:80/state map[state:drain]") {
		t.Errorf("it called\n%s", got)
	}
}

func TestTerminalEndsWithItsContext(t *testing.T) {
	if _, err := screened(t, newPoise(), top.Options{}, ""); err != nil {
		t.Errorf("error %v", err)
	}
}

func TestTerminalDrawsNothingWhereItCannotBegin(t *testing.T) {
	p := newPoise()
	if shown, err := screened(t, p, top.Options{Cluster: "wbe"}, ""); err == nil || shown != "" || !strings.Contains(err.Error(), "there is no cluster wbe") {
		t.Errorf("of a cluster that is none it shows %q, %v", shown, err)
	}
	p.down = true
	if shown, err := screened(t, p, top.Options{}, ""); !errors.Is(err, errRefused) || shown != "" {
		t.Errorf("where nobody answers it shows %q, %v", shown, err)
	}
}
