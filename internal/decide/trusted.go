package decide

import (
	"fmt"

	"poise/internal/trust"
)

// score takes in whether a forecast held. Where that costs trust or gives it
// back, the journal says so.
func (j *Judge) score(held bool) {
	s := &j.state
	if !s.Trust.Add(held) {
		return
	}
	if s.Trust.Without {
		s.Notes = append(s.Notes, fmt.Sprintf("the engine advises only from now on: %s; it takes up again by itself once %s of %d do", j.coverage(), Percent(trust.Earned), trust.Least))
		return
	}
	inside, n := s.Trust.Recent()
	s.Notes = append(s.Notes, fmt.Sprintf("the engine switches by itself again: of its last %d forecasts %s fell inside their 90 %% band", n, Percent(inside)))
}

// coverage says how the last forecasts came out.
func (j *Judge) coverage() string {
	inside, n := j.state.Trust.Coverage()
	return fmt.Sprintf("of the last %d forecasts %s fell inside their 90 %% band", n, Percent(inside))
}

// trusted asks the gate of trust. An undo of what the judge did itself does not
// come here: it is no forecast.
func (j *Judge) trusted() bool {
	if _, n := j.state.Trust.Coverage(); n == 0 {
		return true
	}
	return j.found.gates.ask(GateTrust, !j.state.Trust.Without, j.coverage())
}

// adviceOnly says why something is advised and not done.
func (j *Judge) adviceOnly() string {
	if j.state.Mode == Advise {
		return "the mode is advise"
	}
	return "the engine advises only: " + j.coverage()
}

func (j *Judge) forecasts() (f Forecasts) {
	f.Inside, f.Known = j.state.Trust.Coverage()
	f.Distrusted = j.state.Trust.Without
	return f
}

// Forgive has the judge act by itself again, although its forecasts were too
// often wrong: somebody said so.
func (j *Judge) Forgive() { j.state.Trust.Forgive() }
