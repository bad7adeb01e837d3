package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/record"
	"poise/internal/stats"
)

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("10.0.0.%d:80", i))
	}
	return all
}

// endpoints returns the endpoint labels of a metric.
func (p page) endpoints(name string) (all []string) {
	for series := range p {
		if rest, ok := strings.CutPrefix(series, name+"{"); ok {
			_, rest, _ = strings.Cut(rest, `endpoint="`)
			label, _, _ := strings.Cut(rest, `"`)
			if !slices.Contains(all, label) {
				all = append(all, label)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestTheLeastBusyEndpointsShareASeries(t *testing.T) {
	r := newRig(2)
	c := r.cluster("web", names(5)...)
	for i, a := range names(5) {
		for range i + 1 {
			attempt(c, a, time.Millisecond, lb.Success)
		}
		c.Checked(a, true)
	}
	p := r.scrape(t)
	want := []string{"10.0.0.3:80", "10.0.0.4:80", "_other"}
	for _, metric := range []string{"poise_attempts_total", "poise_attempt_duration_seconds", "poise_inflight", "poise_endpoint_state", "poise_health_checks_total"} {
		if got := p.endpoints(metric); !slices.Equal(got, want) {
			t.Errorf("%s has series of %q; want %q", metric, got, want)
		}
	}
	for series, want := range map[string]float64{
		`poise_attempts_total{cluster="web",endpoint="_other",outcome="success"}`:      1 + 2 + 3,
		`poise_attempt_duration_seconds{cluster="web",endpoint="_other"}`:              1 + 2 + 3,
		`poise_endpoint_state{cluster="web",endpoint="_other",state="healthy"}`:        3,
		`poise_health_checks_total{cluster="web",endpoint="_other",result="passed"}`:   3,
		`poise_attempts_total{cluster="web",endpoint="10.0.0.4:80",outcome="success"}`: 5,
	} {
		if got := p.value(series); got != want {
			t.Errorf("%s is %g; want %g", series, got, want)
		}
	}
}

func TestWithinTheBoundThereIsNoOther(t *testing.T) {
	r := newRig(5)
	r.cluster("web", names(5)...)
	if got := r.scrape(t).endpoints("poise_inflight"); !slices.Equal(got, names(5)) {
		t.Errorf("series of %q; want the five endpoints alone", got)
	}
}

func TestAnEndpointKeepsItsSeriesUntilAnotherIsTwiceAsBusy(t *testing.T) {
	r := newRig(1)
	c := r.cluster("web", "a:1", "b:1")
	attempt(c, "a:1", 0, lb.Success)
	attempt(c, "a:1", 0, lb.Success)
	series := `poise_attempts_total{cluster="web",endpoint="b:1",outcome="success"}`
	for n := range 8 {
		p := r.scrape(t)
		if _, own := p[series]; own {
			t.Fatalf("b has a series after %d attempts, with 2 at a", n)
		}
		if n < 4 {
			attempt(c, "b:1", 0, lb.Success)
		}
	}
	attempt(c, "b:1", 0, lb.Success)
	attempt(c, "b:1", 0, lb.Success) // 6 against 2
	r.scrape(t)
	attempt(c, "b:1", 0, lb.Success)
	if got := r.scrape(t).value(series); got != 1 {
		t.Errorf("the series of b counts %g; want 1, the attempt since it has one: the others stay with _other", got)
	}
}

func TestWhatAnEndpointCountedOutlivesIt(t *testing.T) {
	r := newRig(1000)
	c := r.cluster("web", "a:1", "b:1")
	attempt(c, "a:1", 3*time.Millisecond, lb.Success)
	attempt(c, "a:1", 0, lb.Reset)
	c.Checked("a:1", false)
	late := open(c, "a:1")
	before := r.scrape(t)
	c.SetEndpoints(specs([]string{"b:1"}))
	after := r.scrape(t)
	for _, metric := range []string{"poise_attempts_total", "poise_attempt_duration_seconds", "poise_health_checks_total", "poise_inflight"} {
		if before.sum(metric) == 0 || after.sum(metric) != before.sum(metric) {
			t.Errorf("the sum of %s went from %g to %g when an endpoint left", metric, before.sum(metric), after.sum(metric))
		}
	}
	if got := after.endpoints("poise_attempts_total"); !slices.Equal(got, []string{"_gone"}) {
		t.Errorf("attempts are counted for %q; want _gone alone", got)
	}
	r.wall = r.wall.Add(time.Hour)
	r.scrape(t)
	late.Close(9, time.Second, lb.Success) // a long answer that began before the endpoint left
	p := r.scrape(t)
	if got := p.value(`poise_attempts_total{cluster="web",endpoint="_gone",outcome="success"}`); got != 2 {
		t.Errorf("_gone counts %g successes; want 2, with the one that was under way", got)
	}
	if p.sum("poise_inflight") != 0 {
		t.Error("an attempt that ended is still under way")
	}
}

func TestAnEndpointThatComesBackBeginsAnew(t *testing.T) {
	r := newRig(1000)
	c := r.cluster("web", "a:1", "b:1")
	attempt(c, "a:1", 0, lb.Success)
	c.SetEndpoints(specs([]string{"b:1"}))
	r.scrape(t)
	c.SetEndpoints(specs([]string{"a:1", "b:1"}))
	attempt(c, "a:1", 0, lb.Success)
	p := r.scrape(t)
	own, gone := `poise_attempts_total{cluster="web",endpoint="a:1",outcome="success"}`, `poise_attempts_total{cluster="web",endpoint="_gone",outcome="success"}`
	if p.value(own) != 1 || p.value(gone) != 1 {
		t.Errorf("a counts %g and _gone %g; want 1 and 1", p.value(own), p.value(gone))
	}
}

// TestCountersNeverFall lets endpoints come, go, and grow busy at random, with
// room for three. The total is exact after every step, and no series falls
// while it is shown; one that comes back begins at what happened since.
func TestCountersNeverFall(t *testing.T) {
	dice := stats.NewDice(11)
	r := newRig(3)
	all := names(9)
	c := r.cluster("web", all[:5]...)
	var leases []record.Lease
	attempts, checks := 0, 0
	before := r.scrape(t)
	for step := range 400 {
		members := c.Snapshot().Members
		switch dice.IntN(8) {
		case 0:
			var next []string
			for _, a := range all {
				if dice.IntN(2) == 0 {
					next = append(next, a)
				}
			}
			c.SetEndpoints(specs(next))
		case 1:
			r.wall = r.wall.Add(time.Duration(dice.IntN(90)) * time.Second)
		case 2:
			for _, l := range leases {
				l.Close(stats.Instant(step), time.Duration(1+dice.IntN(1e9)), lb.Outcome(dice.IntN(int(lb.OutcomeCount))))
			}
			attempts += len(leases)
			leases = nil
		default:
			if len(members) == 0 {
				continue
			}
			busy := members[dice.IntN(len(members))]
			for range 1 + dice.IntN(20) {
				leases = append(leases, open(c, busy.Address))
			}
			c.Checked(busy.Address, dice.IntN(2) == 0)
			checks++
		}
		after := r.scrape(t)
		if got := after.sum("poise_attempts_total"); got != float64(attempts) {
			t.Fatalf("step %d: %g attempts are shown; want %d", step, got, attempts)
		}
		if got := after.sum("poise_attempt_duration_seconds"); got != float64(attempts) {
			t.Fatalf("step %d: %g latencies are shown; want %d", step, got, attempts)
		}
		if got := after.sum("poise_health_checks_total"); got != float64(checks) {
			t.Fatalf("step %d: %g checks are shown; want %d", step, got, checks)
		}
		if got := after.sum("poise_inflight"); got != float64(len(leases)) {
			t.Fatalf("step %d: %g under way; want %d", step, got, len(leases))
		}
		fallen(t, before, after)
		before = after
	}
	if !slices.Contains(before.endpoints("poise_inflight"), "_other") {
		t.Error("nothing was ever folded")
	}
}

// fallen reports what both pages show and the later one less of. A series that
// is named after an endpoint may begin anew, from nothing, when that endpoint
// has left and come back in between.
func fallen(t *testing.T, before, after page) {
	t.Helper()
	for series, m := range after {
		old := before[series]
		if old == nil || m.Gauge != nil {
			continue
		}
		anew := strings.Contains(series, `endpoint="10.`)
		if h := m.Histogram; h != nil {
			for i, b := range h.Bucket {
				if b.GetCumulativeCount() < old.Histogram.Bucket[i].GetCumulativeCount() && !anew {
					t.Fatalf("%s fell in the bucket up to %g", series, b.GetUpperBound())
				}
			}
			if h.GetSampleSum() < old.Histogram.GetSampleSum() && !anew {
				t.Fatalf("the sum of %s fell", series)
			}
		}
		if after.value(series) < before.value(series) && !anew {
			t.Fatalf("%s fell from %g to %g", series, before.value(series), after.value(series))
		}
	}
}

func TestAClusterThatLeavesTakesItsSeriesAlong(t *testing.T) {
	r := newRig(1)
	r.cluster("web", "a:1", "b:1")
	api := r.cluster("api", "c:1")
	attempt(api, "c:1", 0, lb.Success)
	r.scrape(t)
	r.clusters = slices.DeleteFunc(r.clusters, func(k Cluster) bool { return k.Cluster.Name() == "api" })
	p := r.scrape(t)
	for series := range p {
		if strings.Contains(series, `cluster="api"`) {
			t.Errorf("%s is still shown", series)
		}
	}
}
