package scenario

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a scenario may ask for, so that a slip of the pen does not
// run for an hour.
const (
	mostEndpoints = 1000
	mostRequests  = 5_000_000
	mostText      = 1 << 20
)

// Parse reads a scenario. file and name are for messages and tables. What is
// wrong is returned as Problems, all of it at once.
func Parse(file, name string, text []byte) (*Scenario, error) {
	p := &parser{file: file, s: &Scenario{
		Name: name, Group: "own", Run: 100 * time.Second, Warm: 10 * time.Second, Timeout: 2 * time.Second, Retries: 1, Guard: true, Balancers: 1,
	}}
	if len(text) > mostText {
		return nil, Problems{{File: file, Line: 1, Col: 1, What: "this is larger than a scenario may be, 1 MiB"}}
	}
	for i, line := range strings.Split(string(text), "\n") {
		p.line = i + 1
		w := split(strings.TrimSuffix(line, "\r"))
		if len(w.all) > 0 {
			p.statement(w)
		}
	}
	if len(p.problems) == 0 {
		p.resolve()
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	return p.s, nil
}

type parser struct {
	file     string
	line     int
	s        *Scenario
	seen     map[string]int // lines of statements that may stand once
	groups   []group
	changes  []change
	problems Problems
}

// group are endpoints that were named together.
type group struct {
	name     string
	from, to int // indexes, to not included
}

// change is an event as it was written.
type change struct {
	at, until time.Duration // until 0: it stays
	line, col int
	text      string
	endpoints []int
	settings  []setting
	arrivals  *Arrivals
	keys      *Keys
}

type setting struct {
	attribute
	set func(*Settings)
}

var statements = []string{"about", "run", "timeout", "retries", "guard", "balancers", "endpoints", "arrivals", "keys", "at", "expect"}

func (p *parser) statement(w *words) {
	first := w.next("")
	p.once(w, first)
	switch first.text {
	case "about":
		w.at = len(w.all)
		p.s.About = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(w.line), "about"))
	case "run":
		at := w.col()
		p.s.Run = w.duration("the length of the run", time.Second)
		if w.accept("warm") {
			p.s.Warm = w.duration("the warm-up", 0)
		}
		if w.bad == nil && p.s.Warm >= p.s.Run {
			w.fail(at, "make the run longer, or say `warm 0s`", "a run of %v ends within its warm-up of %v", p.s.Run, p.s.Warm)
		}
	case "timeout":
		p.s.Timeout = w.duration("the timeout", time.Millisecond)
	case "retries":
		p.s.Retries = w.count("the number of retries", 0, 5)
	case "guard":
		p.guard(w)
	case "balancers":
		p.s.Balancers = w.count("the number of balancers", 1, 200)
	case "endpoints":
		p.endpoints(w)
	case "arrivals":
		p.s.Arrivals = w.arrivals()
	case "keys":
		p.s.Keys = w.keys()
	case "at":
		p.event(w)
	case "expect":
		p.expectation(w)
	default:
		w.fail(first.col, oneOf(first.text, statements), "there is no statement %q", first.text)
	}
	w.end()
	p.note(w)
}

// once refuses a second statement of a kind that there is one of.
func (p *parser) once(w *words, first word) {
	switch first.text {
	case "endpoints", "at", "expect":
		return
	}
	if p.seen == nil {
		p.seen = map[string]int{}
	}
	if before := p.seen[first.text]; before > 0 {
		w.fail(first.col, "keep one of the two; a change while it runs is `at 30s "+first.text+" …`", "%s stands in line %d already", first.text, before)
	}
	p.seen[first.text] = p.line
}

func (p *parser) note(w *words) {
	if w.bad != nil {
		p.problem(w.bad.Col, w.bad.Hint, w.bad.What, w.line)
	}
}

func (p *parser) problem(col int, hint, what, text string) {
	p.problems = append(p.problems, Problem{File: p.file, Line: p.line, Col: col, What: what, Hint: hint, text: text})
}

func (p *parser) guard(w *words) {
	switch got := w.next("on or off"); got.text {
	case "on":
		p.s.Guard = true
	case "off":
		p.s.Guard = false
	default:
		w.fail(got.col, "", "guard is on or off, not %q", got.text)
	}
}

// endpoints reads: endpoints NAME COUNT SETTING …
func (p *parser) endpoints(w *words) {
	name := w.next("the name of a group")
	if w.bad == nil && !isName.MatchString(name.text) {
		w.fail(name.col, "letters, digits and -, as in endpoints fast 5 slots 4 service 20ms", "%q is no name for a group of endpoints", name.text)
	}
	if slices.ContainsFunc(p.groups, func(g group) bool { return g.name == name.text }) || name.text == all {
		w.fail(name.col, "", "the name %s is taken", name.text)
	}
	at := w.col()
	n := w.count("the number of endpoints", 1, mostEndpoints)
	if len(p.s.Endpoints)+n > mostEndpoints {
		w.fail(at, "", "that makes more than %d endpoints", mostEndpoints)
		return
	}
	s := Defaults()
	for w.more() {
		if _, set := w.attribute(); set != nil {
			set(&s)
		}
	}
	p.check(w, &s)
	if w.bad == nil && s.Slots == 0 {
		w.fail(w.col(), "add `slots 4`, or `cores 4` for processor sharing", "how many requests does an endpoint of %s work on at once?", name.text)
	}
	if w.bad == nil && s.Service == 0 {
		w.fail(w.col(), "add `service 20ms`", "how long does an endpoint of %s work on a request?", name.text)
	}
	p.groups = append(p.groups, group{name.text, len(p.s.Endpoints), len(p.s.Endpoints) + n})
	for i := range n {
		p.s.Endpoints = append(p.s.Endpoints, Endpoint{Group: name.text, Index: i, Settings: s})
	}
}

var isName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// check finds settings that contradict each other.
func (p *parser) check(w *words, s *Settings) {
	if sum := s.Fails + s.Refuses + s.Hangs; sum > 1+1e-9 {
		w.fail(w.all[0].col, "a request has one fate", "fails, refuses and hangs add up to %g %%", math.Round(100*sum))
	}
}

// arrivals reads: RATE [poisson | steady | batches N | bursts HIGHx for D, LOWx for D].
func (w *words) arrivals() Arrivals {
	a := Arrivals{Rate: w.rate("the rate")}
	if !w.more() {
		return a
	}
	switch kind := w.next("the kind of arrivals"); kind.text {
	case "poisson":
	case "steady":
		a.Process = Steady
	case "batches":
		a.Process, a.Batch = Batches, w.number("the mean size of a batch", "", 1, 10_000)
	case "bursts":
		a.Process = Bursts
		a.High, a.HighFor = w.phase()
		a.Low, a.LowFor = w.phase()
		mean := (a.High*a.HighFor.Seconds() + a.Low*a.LowFor.Seconds()) / (a.HighFor + a.LowFor).Seconds()
		if w.bad == nil && math.Abs(mean-1) > 0.01 {
			w.fail(kind.col, "change a factor or a time", "these bursts make %.2f times the rate on average, not once", mean)
		}
	default:
		w.fail(kind.col, oneOf(kind.text, []string{"poisson", "steady", "batches", "bursts"}), "there are no arrivals of the kind %q", kind.text)
	}
	return a
}

func (w *words) phase() (factor float64, mean time.Duration) {
	factor = w.number("the rate in a burst, over the mean", "x", 0, 100)
	w.expect("for")
	return factor, w.duration("the mean length of a burst", time.Millisecond)
}

// keys reads: COUNT [zipf S] | off.
func (w *words) keys() (k Keys) {
	if w.accept("off") {
		return k
	}
	k.Count = w.count("the number of keys", 1, 10_000_000)
	if w.accept("zipf") {
		k.Zipf = w.number("the exponent", "", 0, 5)
	}
	return k
}

// event reads: at TIME [for TIME] WHAT …
func (p *parser) event(w *words) {
	c := change{line: p.line, col: w.col(), text: w.line}
	c.at = w.duration("the moment", 0)
	if w.accept("for") {
		c.until = c.at + w.duration("how long it lasts", time.Millisecond)
	}
	switch {
	case w.accept("arrivals"):
		a := w.arrivals()
		c.arrivals = &a
	case w.accept("keys"):
		k := w.keys()
		c.keys = &k
	default:
		c.endpoints = p.target(w)
		for first := true; first || w.more(); first = false {
			at := w.col()
			a, set := w.attribute()
			if w.bad == nil && a.fixed {
				w.fail(at, "say it in the line of the endpoints", "%s cannot change while the scenario runs", a.name)
			}
			if w.bad != nil {
				break
			}
			c.settings = append(c.settings, setting{a, set})
		}
	}
	if w.bad == nil {
		p.changes = append(p.changes, c)
	}
}

// all names every endpoint.
const all = "all"

var isTarget = regexp.MustCompile(`^([a-z][a-z0-9-]*)(?:\[(\d{1,4})(?:\.\.(\d{1,4}))?\])?$`)

// target reads all, GROUP, GROUP[I] or GROUP[I..J].
func (p *parser) target(w *words) (endpoints []int) {
	got := w.next("arrivals, keys or a group of endpoints")
	if w.bad != nil {
		return nil
	}
	m := isTarget.FindStringSubmatch(got.text)
	names := []string{all, "arrivals", "keys"}
	for _, g := range p.groups {
		names = append(names, g.name)
	}
	if m == nil {
		w.fail(got.col, "as in fast, fast[2], fast[0..3] or all", "%q names no endpoints", got.text)
		return nil
	}
	g := group{name: all, to: len(p.s.Endpoints)}
	if m[1] != all {
		i := slices.IndexFunc(p.groups, func(g group) bool { return g.name == m[1] })
		if i < 0 {
			w.fail(got.col, oneOf(m[1], names)+"; a group is declared above what changes it", "there is no group %q", m[1])
			return nil
		}
		g = p.groups[i]
	}
	from, to := 0, g.to-g.from-1
	if m[2] != "" {
		from, _ = strconv.Atoi(m[2])
		to = from
	}
	if m[3] != "" {
		to, _ = strconv.Atoi(m[3])
	}
	if from > to || to >= g.to-g.from {
		w.fail(got.col, "the first is "+g.name+"[0]", "%s has %d endpoints, there is no %s", g.name, g.to-g.from, got.text)
		return nil
	}
	for i := from; i <= to; i++ {
		endpoints = append(endpoints, g.from+i)
	}
	return endpoints
}

// expectation reads: expect CONDITION [at TIME].
func (p *parser) expectation(w *words) {
	got := w.next("the name of a condition")
	e := Expect{Condition: got.text, At: -1, Line: p.line, Col: got.col}
	if w.accept("at") {
		e.At = w.duration("the moment", 0)
	}
	if w.bad == nil {
		p.s.Expect = append(p.s.Expect, e)
	}
}
