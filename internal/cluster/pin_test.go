package cluster

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/stats"
)

func TestAPinHoldsUntilTheFileChangesThatKey(t *testing.T) {
	b := newBench(0.5, false, four()...)
	if err := b.Pin("least-connections"); err != nil {
		t.Fatal(err)
	}
	s := b.Snapshot()
	if s.Policy != "least-request" || !s.Pinned || !s.PinnedAt.Equal(b.at) || s.Configured != "round-robin" {
		t.Errorf("pinned: %+v", s)
	}
	b.Configure("round-robin", 0.1)
	b.SetEndpoints(four()[1:])
	if s := b.Snapshot(); s.Policy != "least-request" || !s.Pinned {
		t.Errorf("a reload that left the policy alone made it %s", s.Policy)
	}
	b.Configure("p2c", 0.1)
	if s := b.Snapshot(); s.Policy != "p2c" || s.Pinned || !s.PinnedAt.IsZero() {
		t.Errorf("the file changed the policy and it is %s, pinned %v", s.Policy, s.Pinned)
	}
}

func TestAdaptiveTakesThePinAway(t *testing.T) {
	b := newBench(0.5, false, four()...)
	b.Configure("adaptive", 0.5)
	s := b.Snapshot()
	if s.Policy != "round-robin" || s.Pinned || !s.Adaptive {
		t.Errorf("adaptive: %+v; want the engine to go on from what ran", s)
	}
	_ = b.Pin("random")
	if s := b.Snapshot(); s.Policy != "random" || s.Adaptive || s.Note != "" {
		t.Errorf("pinned: %+v", s)
	}
	_ = b.Pin("adaptive")
	if s := b.Snapshot(); s.Pinned || s.Policy != "random" || !s.Adaptive {
		t.Errorf("handed back: %+v; want the engine to go on from random", s)
	}
	b.Configure("p2c", 0.5)
	_ = b.Pin("adaptive")
	if s := b.Snapshot(); !s.Pinned || !s.Adaptive || s.Policy != "p2c" || s.Configured != "p2c" {
		t.Errorf("adaptive over a configured policy is a pin: %+v", s)
	}
}

func TestAnUnknownPolicyChangesNothing(t *testing.T) {
	b := newBench(0.5, false, four()...)
	version := b.Snapshot().Version
	err := b.Pin("fastest")
	if err == nil || !strings.Contains(err.Error(), `"fastest"`) || !strings.Contains(err.Error(), "hot-cold") || !strings.Contains(err.Error(), "adaptive") {
		t.Errorf("error %v; want the policies that there are", err)
	}
	if b.Snapshot().Version != version {
		t.Error("it made a snapshot")
	}
}

func TestPolicyChangesAreToldOnce(t *testing.T) {
	b := newBench(0.5, false, four()...)
	b.news()
	_ = b.Pin("p2c")
	_ = b.Pin("p2c")
	b.say(t, "-a")
	_ = b.Pin("random")
	want := []string{"policy  round-robin>p2c", "state a:1 healthy>unhealthy", "policy  p2c>random"}
	if got := b.news(); !slices.Equal(got, want) {
		t.Errorf("told %q; want %q", got, want)
	}
}

func TestRoundRobinGoesOnWhereItStood(t *testing.T) {
	b := newBench(0.5, false, four()...)
	dice := stats.NewDice(1)
	got := ""
	for n := range 8 {
		e, err := b.Snapshot().Picker.Pick(balance.PickInfo{Dice: &dice})
		if err != nil {
			t.Fatal(err)
		}
		got += e.Address[:1]
		if n%2 == 0 {
			b.SetEndpoints(four()) // a publish
		}
	}
	if got != "abcdabcd" {
		t.Errorf("picked %s; publishing must not send everybody back to the first", got)
	}
}

func TestOverridesOutliveARestart(t *testing.T) {
	b := newBench(0.5, false, four()...)
	b.at = b.at.Add(time.Minute)
	_ = b.Pin("maglev")
	b.say(t, "~a")
	b.say(t, "!b")
	text, err := json.Marshal(b.Overrides())
	if err != nil {
		t.Fatal(err)
	}
	var o Overrides
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	pinnedAt, drainedAt := b.Snapshot().PinnedAt, b.state(t, "a:1").Since

	next := newBench(0.5, false, four()...)
	next.at = next.at.Add(time.Hour)
	next.Restore(o)
	s := next.Snapshot()
	if s.Policy != "maglev" || !s.Pinned || !s.PinnedAt.Equal(pinnedAt) || addressesOf(s.Eligible) != "cd" {
		t.Errorf("restored: policy %s, pinned at %v, eligible %s", s.Policy, s.PinnedAt, addressesOf(s.Eligible))
	}
	if got := next.state(t, "a:1"); got.Word != "drain" || !got.Since.Equal(drainedAt) {
		t.Errorf("restored: %+v; want drain since %v: its age counts from the operator's word", got, drainedAt)
	}
	if got := next.Overrides(); !reflect.DeepEqual(got, o) {
		t.Errorf("saved again: %+v; want %+v", got, o)
	}
}

func TestWhatWasSavedBeforeGivesWayToTheFile(t *testing.T) {
	for _, test := range []struct {
		name      string
		saved     Overrides
		policy    string
		endpoints string
	}{
		{"a pin over another policy", Overrides{Policy: "maglev", Over: "p2c"}, "round-robin", "abcd"},
		{"a pin of a policy that is not there any more", Overrides{Policy: "ancient", Over: "round-robin"}, "round-robin", "abcd"},
		{"a pin of adaptive", Overrides{Policy: "adaptive", Over: "round-robin"}, "least-request", "abcd"},
		{"a word on an endpoint that left", Overrides{Endpoints: map[string]string{"x:1": "drain"}}, "round-robin", "abcd"},
		{"a word that there is not", Overrides{Endpoints: map[string]string{"a:1": "explode"}}, "round-robin", "abcd"},
		{"a word of a file from before ages were kept", Overrides{Endpoints: map[string]string{"a:1": "disable"}}, "round-robin", "bcd"},
	} {
		b := newBench(0.5, false, four()...)
		b.Restore(test.saved)
		if s := b.Snapshot(); s.Policy != test.policy || addressesOf(s.Eligible) != test.endpoints {
			t.Errorf("%s: policy %s, eligible %s", test.name, s.Policy, addressesOf(s.Eligible))
		}
	}
}

func TestEveryOperatorsWordIsReadBack(t *testing.T) {
	for _, word := range []Operator{Enable, Disable, Drain} {
		if got, err := ParseOperator(word.String()); got != word || err != nil {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	if _, err := ParseOperator("down"); err == nil || !strings.Contains(err.Error(), "enable, disable or drain") {
		t.Errorf("error %v", err)
	}
}

// TestManyPublishersAndReaders is for the race detector, and for what must
// hold in every snapshot whoever publishes: one endpoint is disabled from the
// start and nobody enables it.
func TestManyPublishersAndReaders(t *testing.T) {
	specs := append(four(), Spec{Address: "never:1"})
	c := New(Options{
		Name: "web", Policy: "round-robin", Builders: catalog.Builders(), Panic: 0.5, Wall: time.Now, OnChange: func(Event) {},
	}, specs)
	if err := c.SetOperator("never:1", Disable); err != nil {
		t.Fatal(err)
	}
	const rounds = 100
	var publishers, readers sync.WaitGroup
	done := make(chan struct{})
	for p := range 4 {
		publishers.Go(func() { publishAtRandom(c, specs, rand.New(rand.NewPCG(uint64(p), 1)), rounds) })
	}
	for r := range 4 {
		readers.Go(func() { readUntil(t, c, uint64(r), done) })
	}
	before := c.Snapshot().Version
	publishers.Wait()
	close(done)
	readers.Wait()
	if made := c.Snapshot().Version - before; made == 0 || made > 4*rounds {
		t.Errorf("%d snapshots were made", made)
	}
}

func publishAtRandom(c *Cluster, specs []Spec, dice *rand.Rand, rounds int) {
	for range rounds {
		address := specs[dice.IntN(len(specs))].Address
		switch dice.IntN(6) {
		case 0, 1:
			c.SetHealth(address, dice.IntN(2) == 0, "check")
		case 2:
			if address != "never:1" {
				_ = c.SetOperator(address, Operator(dice.IntN(3)))
			}
		case 3:
			_ = c.Pin(lb.Policies[dice.IntN(len(lb.Policies))])
		case 4:
			next := slices.Clone(specs)
			next[0].Weight = 1 + dice.IntN(3)
			c.SetEndpoints(next)
		case 5:
			c.Configure([]string{"round-robin", "p2c", "adaptive"}[dice.IntN(3)], 0.5)
		}
		_ = c.Overrides()
	}
}

func readUntil(t *testing.T, c *Cluster, seed uint64, done <-chan struct{}) {
	dice := stats.NewDice(seed)
	last := uint64(0)
	for {
		s := c.Snapshot()
		if s.Version < last {
			t.Errorf("version %d came after %d", s.Version, last)
		}
		last = s.Version
		e, err := s.Picker.Pick(balance.PickInfo{Dice: &dice})
		switch {
		case err != nil:
			if len(s.Eligible) > 0 {
				t.Errorf("no pick although %d may be picked", len(s.Eligible))
			}
		case e.Address == "never:1" || !slices.Contains(s.Eligible, e):
			t.Errorf("%s was picked; it may not be", e.Address)
		default:
			e.Live.Begin()
			e.Live.End()
		}
		if len(s.Members) != len(s.States) {
			t.Errorf("%d members, %d states", len(s.Members), len(s.States))
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
