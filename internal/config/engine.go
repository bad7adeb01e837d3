package config

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"poise/internal/lb"
)

// candidates are what the engine chooses from where the document says nothing.
var candidates = []string{"expected-delay", "hot-cold", "peak-ewma", "least-request", "p2c", "round-robin"}

// keyedCandidate is chosen from too where requests have a key.
const keyedCandidate = "bounded-hash"

// The bounds of how often a cluster is judged.
const (
	leastEvaluate = Duration(time.Second)
	mostEvaluate  = Duration(time.Hour)
	mostDwell     = Duration(24 * time.Hour)
)

func (v *validator) engine() {
	e := &v.config.Engine
	switch {
	case e.Evaluate < leastEvaluate:
		v.report("engine.evaluate", "is too short: a judgement needs some hundreds of requests, and its work must stay small", "at least 1s")
	case e.Evaluate > mostEvaluate:
		v.report("engine.evaluate", "is too long", "at most 1h; to keep the engine from switching write mode: advise")
	}
	switch {
	case e.Dwell < e.Evaluate && !v.said["engine.evaluate"]:
		v.report("engine.dwell", "is shorter than engine.evaluate, "+e.Evaluate.String()+", so it would hold nothing back", "make it longer, at best six times as long")
	case e.Dwell > mostDwell:
		v.report("engine.dwell", "is too long", "at most 24h; to keep the engine from switching write mode: advise")
	}
	switch {
	case e.Margin >= 1:
		v.report("engine.margin", "is "+e.Margin.String()+": no policy can take all of the loss away, so none would ever be switched to", "use less, as in 8%, or write mode: advise")
	case e.Margin <= 0:
		v.report("engine.margin", "is 0, so that any noise would be reason enough to switch", "use more, as in 8%")
	}
	for i := range v.config.Rules {
		v.rule(indexed("rules", i), &v.config.Rules[i])
	}
}

// choice checks what the engine chooses from in a cluster.
func (v *validator) choice(path string, c *Cluster) {
	v.positive(path+".engine.failure_cost", int64(c.Engine.FailureCost))
	v.atMost(path+".engine.failure_cost", int64(c.Engine.FailureCost), int64(time.Hour), "1h")
	if c.Engine.LoadField != "" {
		v.token(path+".engine.load_field", c.Engine.LoadField, "field name")
	}
	list, at := c.Engine.Candidates, path+".engine.candidates"
	for i, name := range list {
		switch here := indexed(at, i); {
		case name == lb.Adaptive:
			v.report(here, "adaptive is the engine itself", "name policies that pick")
		case !slices.Contains(policies(), name):
			v.report(here, fmt.Sprintf("there is no policy %q", name), oneOf(name, policies()))
		case slices.Contains(list[:i], name):
			v.report(here, name+" stands here twice", "keep one")
		case slices.Contains(hashPolicies, name) && c.HashKey == "" && !v.said[path+".hash_key"]:
			v.report(here, name+" needs a hash_key", "add hash_key: ip, or header:NAME, cookie:NAME, query:NAME, path; or take it out")
		}
	}
	switch {
	case list != nil && len(list) == 0:
		v.report(at, "is empty, so there is nothing to choose", "leave it out for the default")
	case len(list) == 1 && c.Policy == lb.Adaptive:
		v.report(at, "names one policy, so there is nothing to choose", "name another, or write policy: "+list[0])
	}
}

// policies are the names that may stand where one that picks is meant.
func policies() []string { return append([]string{"least-connections"}, lb.Policies...) }

// rule checks a condition of the operator's own.
func (v *validator) rule(path string, r *Rule) {
	switch {
	case r.Use == "": // is missing
	case r.Use == lb.Adaptive:
		v.report(path+".use", "adaptive is the engine itself", "name a policy that picks")
	case !slices.Contains(policies(), r.Use):
		v.report(path+".use", fmt.Sprintf("there is no policy %q", r.Use), oneOf(r.Use, policies()))
	case slices.Contains(hashPolicies, r.Use) && !slices.ContainsFunc(v.config.Clusters, func(c Cluster) bool { return c.HashKey != "" }):
		v.report(path+".use", r.Use+" needs a hash_key, and no cluster has one", "add one to a cluster, as in hash_key: ip")
	}
	v.atMost(path+".when.for", int64(r.When.For), int64(time.Hour), "1h")
	bounds := 0
	for _, b := range r.When.written() {
		bounds++
		if err := b.check(); err != nil {
			v.report(path+".when."+b.name, err.Error(), "write it as in "+b.example())
		}
	}
	if bounds == 0 && !v.saidIn(path+".when") {
		v.report(path+".when", "has no condition", `write one as in when: {error_rate: ">5%"}`)
	}
}

// saidIn reports whether something in a section was judged already.
func (v *validator) saidIn(path string) bool {
	for said := range v.said {
		if strings.HasPrefix(said, path+".") {
			return true
		}
	}
	return false
}

// Bound is one thing that a rule asks for.
type Bound struct {
	Condition string  // its name in the journal
	Holds     bool    // by its own definition, whatever Value is
	Below     bool    // the measure must be below Value, else above it
	Value     float64 // a share as a part of 1
}

// Bounds returns what a rule asks for, in the order of the definitions.
func (w *When) Bounds() (all []Bound) {
	for _, b := range w.written() {
		below, value, _ := b.parse() // validated
		all = append(all, Bound{Condition: b.name, Holds: b.text == holds, Below: below, Value: value})
	}
	return all
}

// bound is one key of a When that is written.
type bound struct{ name, text string }

func (w *When) written() (all []bound) {
	v := reflect.ValueOf(w).Elem()
	for _, f := range fieldsOf(v.Type()) {
		if field := v.Field(f.index); f.kind.Kind() == reflect.String && field.Len() > 0 {
			all = append(all, bound{f.key, field.String()})
		}
	}
	return all
}

// measures say how the bound of each condition is written: its unit, and the
// values, both exclusive, between which it can be crossed and not crossed.
var measures = map[string]struct {
	unit        string // "%", "x" for times, "" for a number
	least, most float64
	example     string
}{
	"error_rate":    {"%", 0, 1, `">5%"`},
	"slow_endpoint": {"x", 1, 1e6, `">2x"`},
	"bursty":        {"", 0, 1e6, `">5"`},
	"heterogeneous": {"x", 1, 1e6, `">1.5x"`},
	"affinity":      {"x", 0, 1, `"<0.8x"`},
	"heavy_tail":    {"", 0, 1e6, `">2"`},
	"far_endpoint":  {"x", 1, 1e6, `">1.5x"`},
	"overload":      {"%", 0, 1, `">97%"`},
	"hidden_load":   {"x", 1, 1e6, `">1.5x"`},
	"no_data":       {"", 0, 1e6, `"<300"`},
}

// holds stands for the bound that a condition has by its own definition.
const holds = "holds"

// Conditions returns the names that a rule may ask for.
func Conditions() []string {
	var all []string
	for _, f := range fieldsOf(reflect.TypeFor[When]()) {
		if f.kind.Kind() == reflect.String {
			all = append(all, f.key)
		}
	}
	return all
}

func (b *bound) example() string { return measures[b.name].example }

// parse reads > or <, a number, and its unit.
func (b *bound) parse() (below bool, value float64, err error) {
	m := measures[b.name]
	rest, above := strings.CutPrefix(b.text, ">")
	if !above {
		if rest, below = strings.CutPrefix(b.text, "<"); !below {
			return false, 0, fmt.Errorf("%q does not begin with > or <", b.text)
		}
	}
	digits := strings.TrimSpace(rest)
	if m.unit != "" {
		var has bool
		if digits, has = strings.CutSuffix(digits, m.unit); !has {
			return below, 0, fmt.Errorf("%q is not counted in %s", b.text, m.unit)
		}
	}
	value, err = strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return below, 0, fmt.Errorf("%q holds no number", b.text)
	}
	if m.unit == "%" {
		value /= 100
	}
	return below, value, nil
}

// check refuses a bound that is always or never crossed.
func (b *bound) check() error {
	m := measures[b.name]
	below, value, err := b.parse()
	switch {
	case b.text == holds:
		return nil
	case err != nil:
		return err
	case below && value <= m.least || !below && value >= m.most:
		return fmt.Errorf("%q can never hold", b.text)
	case below && value >= m.most || !below && value < m.least:
		return fmt.Errorf("%q always holds", b.text)
	}
	return nil
}

// fillCandidates writes out what a cluster chooses from where the document
// says nothing. A cluster that is configured for a hash policy keeps to it
// unless it names candidates.
func (c *Cluster) fillCandidates() {
	if c.Engine.Candidates == nil {
		c.Engine.Candidates = slices.Clone(candidates)
		if c.HashKey != "" {
			c.Engine.Candidates = append(c.Engine.Candidates, keyedCandidate)
		}
		if slices.Contains(hashPolicies, c.Policy) {
			c.Engine.Candidates = []string{c.Policy}
		}
	}
	for i, name := range c.Engine.Candidates {
		c.Engine.Candidates[i] = plain(name)
	}
}

// plain is the name of a policy that goes by another too.
func plain(policy string) string {
	if policy == "least-connections" {
		return "least-request"
	}
	return policy
}
