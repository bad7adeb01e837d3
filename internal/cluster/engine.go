package cluster

import (
	"fmt"
	"strings"
	"time"

	"poise/internal/balance"
	"poise/internal/lb"
	"poise/internal/stats"
)

// Mode is what the decision engine may do with a cluster.
type Mode string

// The modes.
const (
	Auto   Mode = "auto"   // switch policies
	Advise Mode = "advise" // say what it would do
	Freeze Mode = "freeze" // nothing: what runs stays
)

// Modes are the modes in the order of what they allow.
var Modes = []string{string(Auto), string(Advise), string(Freeze)}

// ParseMode reads a mode. The error lists them.
func ParseMode(word string) (Mode, error) {
	switch m := Mode(word); m {
	case Auto, Advise, Freeze:
		return m, nil
	}
	return "", fmt.Errorf("the mode must be %s, not %q", strings.Join(Modes, ", "), word)
}

// ModeSaid is a mode and who said so.
type ModeSaid struct {
	Mode       Mode
	Configured Mode
	Held       bool      // by an operator, over the file
	At         time.Time // when it was said
}

// choice is what the engine chose. It is kept while a policy is pinned, and
// shows only where the engine has a say.
type choice struct {
	policy string
	trial  string  // policy that is tried; "" for none
	share  float64 // of the requests that it gets
	why    string
}

// show puts the choice into a snapshot.
func (c *choice) show(s *Snapshot) {
	s.Adaptive, s.Policy, s.Note = true, c.policy, "the engine chooses"
	if c.why != "" {
		s.Note = "the engine chose " + c.policy + ": " + c.why
	}
	if c.trial != "" {
		s.Challenger, s.Share = c.trial, c.share
		s.Note = fmt.Sprintf("the engine tries %s on %.0f %% of the requests: %s", c.trial, 100*c.share, c.why)
	}
}

// Choose takes the engine's word: policy picks for a share of the requests,
// in (0, 1], beside the one that picks now. With 1 it takes over; the one
// that picks now ends a trial. It reports false, and nothing changes, where
// the engine has no say: a policy is configured or pinned, or it is unknown.
func (c *Cluster) Choose(policy string, share float64, why string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	wanted := c.configured
	if c.pinned != "" {
		wanted = c.pinned
	}
	if wanted != lb.Adaptive || policy == lb.Adaptive || !c.known(policy) || !(share > 0) {
		return false
	}
	next := choice{policy: policy, why: why}
	if share < 1 && policy != c.choice.policy {
		next = choice{policy: c.choice.policy, trial: policy, share: share, why: why}
	}
	if next != c.choice {
		c.choice = next
		c.publish()
	}
	return true
}

// handOver makes the engine go on from what picks now, when the next policy is
// its to choose, and ends a trial in any case: an operator's word or a changed
// file goes before it. The caller holds the lock.
func (c *Cluster) handOver(next string) {
	c.choice.trial, c.choice.share = "", 0
	if s := c.snapshot.Load(); next == lb.Adaptive && s != nil && !s.Adaptive {
		c.choice = choice{policy: s.Policy}
	}
}

// EngineSettings are what the file says about the engine.
type EngineSettings struct {
	Mode        Mode
	Start       string        // matters only until the engine has chosen
	FailureCost time.Duration // as balance.Options has it
}

// ConfigureEngine changes what the file says about the engine. An operator's
// mode stays, unless the file changed that very key.
func (c *Cluster) ConfigureEngine(s EngineSettings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.Mode != c.options.Mode {
		c.mode = ""
	}
	c.options.Mode, c.options.Start, c.options.Balance.FailureCost = s.Mode, s.Start, s.FailureCost
	c.publish()
}

// SetMode takes an operator's word on what the engine may do. That of the file
// takes the word back. A trial ends with every mode but auto.
func (c *Cluster) SetMode(m Mode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.modeSaid().Mode
	c.mode, c.modeAt = m, c.options.Wall()
	if m == c.options.Mode {
		c.mode = ""
	}
	if m != Auto {
		c.choice.trial, c.choice.share = "", 0
	}
	c.publish()
	if before != m {
		c.tell(Event{Cluster: c.options.Name, What: "engine", From: string(before), To: string(m), Reason: "operator"})
	}
}

func (c *Cluster) modeSaid() ModeSaid {
	if c.mode != "" {
		return ModeSaid{Mode: c.mode, Configured: c.options.Mode, Held: true, At: c.modeAt}
	}
	return ModeSaid{Mode: c.options.Mode, Configured: c.options.Mode}
}

// Deal returns the picker for one request, and whether it is that of the
// policy which the engine tries: the dice decide.
func (s *Snapshot) Deal(dice *stats.Dice) (p balance.Picker, tried bool) {
	if s.challenger != nil && dice.Float64() < s.Share {
		return s.challenger, true
	}
	return s.Picker, false
}

// Cursor returns where round-robin stands: how many turns were taken.
func (c *Cluster) Cursor() uint64 { return c.cursor.At() }

func trialEvent(cluster string, old, s *Snapshot, why string) Event {
	e := Event{Cluster: cluster, What: "trial", From: old.Challenger, To: s.Challenger, Reason: why}
	if s.Challenger != "" {
		e.To = fmt.Sprintf("%s on %.0f %% of the requests", s.Challenger, 100*s.Share)
	}
	if e.To == "" {
		e.To = "none"
	}
	return e
}
