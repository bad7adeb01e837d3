package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.uber.org/goleak"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/lb"
	"poise/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a cluster with a clock of its own and a list of what it told.
type bench struct {
	*Cluster
	at       time.Time
	told     []string
	attached map[string]int // by address: attached less detached
}

func newBench(panicShare float64, checked bool, specs ...Spec) *bench {
	b := &bench{at: time.Unix(1000, 0), attached: map[string]int{}}
	b.Cluster = New(Options{
		Name: "web", Policy: "round-robin", Builders: catalog.Builders(), Panic: panicShare, AwaitCheck: checked,
		Attach: func(e *lb.Endpoint) (any, func()) {
			b.attached[e.Address]++
			return "pool of " + e.Address, func() { b.attached[e.Address]-- }
		},
		Wall: func() time.Time { return b.at },
		OnChange: func(e Event) {
			b.told = append(b.told, strings.TrimSpace(fmt.Sprintf("%s %s %s>%s", e.What, e.Endpoint, e.From, e.To)))
		},
	}, specs)
	return b
}

func four() []Spec {
	return []Spec{{Address: "a:1"}, {Address: "b:1"}, {Address: "c:1"}, {Address: "d:1"}}
}

func addressesOf(endpoints []*lb.Endpoint) string {
	var all []string
	for _, e := range endpoints {
		all = append(all, strings.TrimSuffix(e.Address, ":1"))
	}
	return strings.Join(all, "")
}

// told takes out what was told since the last call.
func (b *bench) news() []string {
	all := b.told
	b.told = nil
	return all
}

func (b *bench) state(t *testing.T, address string) State {
	t.Helper()
	s := b.Snapshot()
	i := slices.IndexFunc(s.Members, func(e *lb.Endpoint) bool { return e.Address == address })
	if i < 0 {
		t.Fatalf("no member %s", address)
	}
	return s.States[i]
}

// say does what a step of a table says: +a passes its check, -a fails it,
// !a is disabled, ~a drained, =a enabled.
func (b *bench) say(t *testing.T, step string) {
	t.Helper()
	address := step[1:] + ":1"
	words := map[byte]Operator{'!': Disable, '~': Drain, '=': Enable}
	switch step[0] {
	case '+', '-':
		b.SetHealth(address, step[0] == '+', "check")
	default:
		if err := b.SetOperator(address, words[step[0]]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoMayBePicked(t *testing.T) {
	tiers := []Spec{{Address: "a:1"}, {Address: "b:1"}, {Address: "c:1", Priority: 1}, {Address: "d:1", Priority: 3}}
	for _, test := range []struct {
		name      string
		share     float64
		unchecked bool
		specs     []Spec
		steps     string
		want      string // addresses, then the tier, then PANIC
	}{
		{"everybody who is never checked", 0.5, false, four(), "", "abcd 0"},
		{"nobody before the first check, and that is no panic", 0.5, true, four(), "", " 0"},
		{"who passed its first check while others still wait", 0.5, true, four(), "+b", "b 0"},
		{"one that fails is out", 0.5, false, four(), "-b", "acd 0"},
		{"one that passes again is back", 0.5, false, four(), "-b +b", "abcd 0"},
		{"at exactly half there is no panic yet", 0.5, false, four(), "-b -c", "ad 0"},
		{"below half health is ignored", 0.5, false, four(), "-b -c -d", "abcd 0 PANIC"},
		{"all failing ignores health too", 0.5, false, four(), "-a -b -c -d", "abcd 0 PANIC"},
		{"at half again the panic is over", 0.5, false, four(), "-a -b -c -d +c +d", "cd 0"},
		{"without a threshold all failing leaves nobody", 0, false, four(), "-a -b -c -d", " 0"},
		{"without a threshold one is enough", 0, false, four(), "-b -c -d", "a 0"},
		{"a panic leaves out what the operator took out", 0.5, false, four(), "!a ~b -c -d", "cd 0 PANIC"},
		{"the share is of what the operator left in", 0.5, false, four(), "!a ~b -c", "d 0"},
		{"all taken out leaves nobody, whatever the checks say", 0.5, false, four(), "!a !b ~c ~d +a +c", " 0"},
		{"a disabled one that passes its check stays out", 0.5, false, four(), "!a +a", "bcd 0"},
		{"a drained one that fails and recovers stays out", 0.5, false, four(), "~a -a +a", "bcd 0"},
		{"an enabled one that fails its check stays out", 0.5, false, four(), "-a !a =a", "bcd 0"},
		{"enable takes a disable back", 0.5, false, four(), "!a =a", "abcd 0"},
		{"the first tier serves while one of it is left", 0, false, tiers, "-a", "b 0"},
		{"the next tier serves when all of the first fail", 0.5, false, tiers, "-a -b", "c 1"},
		{"or when an operator took the first tier out", 0.5, false, tiers, "!a ~b", "c 1"},
		{"tiers need not be numbered without gaps", 0.5, false, tiers, "-a -b -c", "d 3"},
		{"the first tier is back with its first endpoint", 0.5, false, tiers, "-a -b +a", "a 0"},
		{"with every tier failing the first one panics", 0.5, false, tiers, "-a -b -c -d", "ab 0 PANIC"},
		{"the first tier that the operator left in panics", 0.5, false, tiers, "!a !b -c -d", "c 1 PANIC"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(test.share, test.unchecked, test.specs...)
			for _, step := range strings.Fields(test.steps) {
				b.say(t, step)
			}
			s := b.Snapshot()
			got := fmt.Sprint(addressesOf(s.Eligible), " ", s.Tier)
			if s.Panic {
				got += " PANIC"
			}
			if got != test.want {
				t.Errorf("%q; want %q", got, test.want)
			}
			b.onlyEligibleAreTaken(t)
		})
	}
}

// onlyEligibleAreTaken picks under every policy.
func (b *bench) onlyEligibleAreTaken(t *testing.T) {
	t.Helper()
	dice := stats.NewDice(1)
	for _, policy := range lb.Policies {
		if err := b.Pin(policy); err != nil {
			t.Fatal(err)
		}
		s := b.Snapshot()
		seen := map[*lb.Endpoint]bool{}
		for n := range 200 {
			e, err := s.Picker.Pick(balance.PickInfo{Dice: &dice, Key: uint64(n) * 0x9e3779b97f4a7c15, HasKey: true})
			if len(s.Eligible) == 0 {
				if !errors.Is(err, lb.ErrNoEndpoint) {
					t.Fatalf("%s: got %v, %v where nobody may be picked", policy, e, err)
				}
				break
			}
			if err != nil || !slices.Contains(s.Eligible, e) {
				t.Fatalf("%s: got %v, %v, which may not be picked", policy, e, err)
			}
			seen[e] = true
		}
		if policy == "round-robin" && len(seen) != len(s.Eligible) {
			t.Errorf("round-robin took %d of %d", len(seen), len(s.Eligible))
		}
	}
}

func TestStateTellsTheOperatorsWordFirst(t *testing.T) {
	b := newBench(0.5, true, four()...)
	b.news()
	for _, step := range []struct{ say, want, news string }{
		{"+a", "healthy", "state a:1 unchecked>healthy"},
		{"-a", "unhealthy", "state a:1 healthy>unhealthy"},
		{"~a", "drain", "state a:1 unhealthy>drain"},
		{"+a", "drain", ""},
		{"!a", "disabled", "state a:1 drain>disabled"},
		{"-a", "disabled", ""},
		{"=a", "unhealthy", "state a:1 disabled>unhealthy"},
		{"-a", "unhealthy", ""},
	} {
		before := b.state(t, "a:1")
		b.at = b.at.Add(time.Minute)
		b.say(t, step.say)
		s := b.state(t, "a:1")
		if s.Word != step.want {
			t.Errorf("after %s: %s; want %s", step.say, s.Word, step.want)
		}
		news := slices.DeleteFunc(b.news(), func(s string) bool { return strings.HasPrefix(s, "panic") })
		if strings.Join(news, ", ") != step.news {
			t.Errorf("after %s told %q; want %q", step.say, news, step.news)
		}
		if changed := step.news != ""; changed != s.Since.Equal(b.at) || !changed && !s.Since.Equal(before.Since) {
			t.Errorf("after %s: since %v; it is now %v", step.say, s.Since, b.at)
		}
	}
}

func TestAnAddressThatIsNotHereIsPassedOver(t *testing.T) {
	b := newBench(0.5, false, four()...)
	version := b.Snapshot().Version
	b.SetHealth("gone:1", false, "late verdict")
	if b.Snapshot().Version != version {
		t.Error("a verdict on an address that has left made a snapshot")
	}
	err := b.SetOperator("gone:1", Drain)
	if !errors.Is(err, ErrNoSuchEndpoint) || !strings.Contains(err.Error(), "web has no endpoint gone:1") {
		t.Errorf("error %v", err)
	}
}

func TestPanicIsToldOnceEachWay(t *testing.T) {
	b := newBench(0.5, false, four()...)
	b.news()
	for _, step := range strings.Fields("-a -b -c -d +a +b +c +d") {
		b.say(t, step)
	}
	var panics []string
	for _, n := range b.news() {
		if strings.HasPrefix(n, "panic") {
			panics = append(panics, n)
		}
	}
	if want := []string{"panic  off>on", "panic  on>off"}; !slices.Equal(panics, want) {
		t.Errorf("told %q; want %q", panics, want)
	}
}

func TestChecksThatEndMakeEverybodyHealthy(t *testing.T) {
	b := newBench(0.5, true, four()...)
	b.say(t, "-a")
	b.say(t, "!b")
	b.news()
	b.at = b.at.Add(time.Hour)
	b.SetChecked(false)
	if got := addressesOf(b.Snapshot().Eligible); got != "acd" {
		t.Errorf("eligible %q; want all but the disabled one", got)
	}
	if s := b.state(t, "a:1"); s.Word != "healthy" || !s.Since.Equal(b.at) || s.Reason != "" {
		t.Errorf("state %+v; want healthy since now", s)
	}
	if news := b.news(); !slices.Contains(news, "state a:1 unhealthy>healthy") {
		t.Errorf("told %q; want the change of a:1 among it", news)
	}
	b.SetChecked(true)
	if got := addressesOf(b.Snapshot().Eligible); got != "acd" {
		t.Errorf("eligible %q; checks that begin take nobody out before they have spoken", got)
	}
	b.SetEndpoints(append(four(), Spec{Address: "e:1"}))
	if s := b.state(t, "e:1"); s.Word != "unchecked" {
		t.Errorf("a new endpoint is %s; it must wait for its check", s.Word)
	}
}

func TestAnEndpointThatStaysKeepsItsCounters(t *testing.T) {
	b := newBench(0.5, false, four()...)
	a := b.Snapshot().Members[0]
	a.Live.Begin()
	a.Stats.Outcomes[lb.Success].Add(7)
	b.say(t, "-a")
	b.say(t, "~b")
	for _, test := range []struct {
		name string
		do   func()
	}{
		{"a check", func() { b.say(t, "+c") }},
		{"an operator's word", func() { b.say(t, "~d") }},
		{"a pin", func() { _ = b.Pin("p2c") }},
		{"a reload", func() { b.SetEndpoints(four()) }},
		{"a change of policy in the file", func() { b.Configure("maglev", 0.4) }},
		{"a change of weight, zone and priority", func() { b.SetEndpoints([]Spec{{Address: "a:1", Weight: 5, Zone: "z", Priority: 2}, {Address: "b:1"}}) }},
	} {
		test.do()
		s := b.Snapshot()
		if now := s.Members[0]; now.Live != a.Live || now.Stats != a.Stats || now.Transport != a.Transport || now.Hash != a.Hash {
			t.Errorf("%s: counters or connections are other ones", test.name)
		}
		if b.state(t, "a:1").Word != "unhealthy" || b.state(t, "b:1").Word != "drain" {
			t.Errorf("%s: states %+v", test.name, s.States)
		}
	}
	now := b.Snapshot().Members[0]
	if now == a || now.Weight != 5 || now.Zone != "z" || now.Priority != 2 {
		t.Errorf("endpoint %+v; want the new weight, zone and priority in a new value", *now)
	}
	if a.Weight != 1 || a.Zone != "" {
		t.Errorf("endpoint %+v; one in an older snapshot must not change", *a)
	}
	if b.attached["a:1"] != 1 {
		t.Errorf("attached %d times; want once for the whole of its life", b.attached["a:1"])
	}
}

func TestAnEndpointThatLeavesTakesItsConnectionsAndLeavesItsCounts(t *testing.T) {
	b := newBench(0.5, false, four()...)
	first := b.Snapshot().Members[0]
	first.Stats.Outcomes[lb.Success].Add(5)
	first.Stats.Outcomes[lb.Cut].Add(2)
	b.say(t, "~a")
	b.SetEndpoints(four()[1:])
	if _, gone := b.Account(); gone.Outcomes[lb.Success] != 5 || gone.Outcomes[lb.Cut] != 2 {
		t.Errorf("gone: %v", gone.Outcomes)
	}
	if b.attached["a:1"] != 0 {
		t.Error("its connections were not let go of")
	}
	b.SetEndpoints(four())
	again := b.Snapshot().Members[0]
	if again.Stats == first.Stats || again.Stats.Outcomes[lb.Success].Load() != 0 {
		t.Error("an address that comes back has the counters of its life before, which count as gone")
	}
	if s := b.state(t, "a:1"); s.Word != "healthy" {
		t.Errorf("it is %s; the file took it out, and with it the word on it", s.Word)
	}
}

func TestSnapshotsNeverChange(t *testing.T) {
	b := newBench(0.5, false, four()...)
	s := b.Snapshot()
	before := fmt.Sprint(s.Version, s.Policy, s.Pinned, addressesOf(s.Members), addressesOf(s.Eligible), s.States, s.Panic)
	for _, step := range strings.Fields("-a -b -c ~d") {
		b.say(t, step)
	}
	_ = b.Pin("maglev")
	b.SetEndpoints(nil)
	if after := fmt.Sprint(s.Version, s.Policy, s.Pinned, addressesOf(s.Members), addressesOf(s.Eligible), s.States, s.Panic); after != before {
		t.Errorf("was %s, became %s", before, after)
	}
	if now := b.Snapshot(); now.Version <= s.Version || len(now.Members) != 0 {
		t.Errorf("version %d, %d members", now.Version, len(now.Members))
	}
}

func TestEndpointsAreOrderedWhateverTheFileSays(t *testing.T) {
	b := newBench(0.5, false, Spec{Address: "c:1"}, Spec{Address: "a:1"}, Spec{Address: "b:1"})
	if got := addressesOf(b.Snapshot().Members); got != "abc" {
		t.Errorf("members %q; want them in one order, so that every process places keys alike", got)
	}
}

func TestStickyClientsStayWhereTheyMay(t *testing.T) {
	for _, test := range []struct {
		name, steps string
		stays       bool
	}{
		{"at a healthy one", "", true},
		{"at a drained one, which takes no others", "~a", true},
		{"not at a disabled one", "!a", false},
		{"not at one that fails", "-a", false},
		{"not at a drained one that fails", "~a -a", false},
		{"at one that recovered", "-a +a", true},
		{"not at one that fails while health is ignored", "-a -b -c -d", false},
	} {
		b := newBench(0.5, false, four()...)
		for _, step := range strings.Fields(test.steps) {
			b.say(t, step)
		}
		e, ok := b.Snapshot().ByHash(xxhash.Sum64String("a:1"))
		if ok != test.stays || ok && e.Address != "a:1" {
			t.Errorf("%s: got %v, %v", test.name, e, ok)
		}
	}
	b := newBench(0.5, true, four()...)
	if _, ok := b.Snapshot().ByHash(xxhash.Sum64String("a:1")); ok {
		t.Error("a client stays at one that waits for its first check")
	}
	if _, ok := b.Snapshot().ByHash(xxhash.Sum64String("other:1")); ok {
		t.Error("a hash that no endpoint has was found")
	}
}
