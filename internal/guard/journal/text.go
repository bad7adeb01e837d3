package journal

import (
	"fmt"
	"time"
)

// Text says for people what an ejection with a cause rests on, "" when nothing
// is known.
func (e *Evidence) Text(c Cause) string {
	switch {
	case e.Vain > 0:
		return fmt.Sprintf("%d attempts waited for an answer in vain, and none came for %s", e.Stuck, rounded(e.Oldest))
	case c == Latency && e.Stuck > 0:
		return fmt.Sprintf("latency %s, that of the others %s, and %d attempts wait longer than %s", rounded(e.Latency), rounded(e.Peers), e.Stuck, rounded(e.Limit))
	case c == Stall || e.Stuck > 0:
		return fmt.Sprintf("%d attempts wait longer than %s for an answer, the oldest %s", e.Stuck, rounded(e.Limit), rounded(e.Oldest))
	case c == Errors && e.Attempts > 0:
		return fmt.Sprintf("%s of %.0f attempts failed, %s of the others'; surely over %s, and %s is tolerated",
			percent(e.Share), e.Attempts, percent(e.Rest), percent(e.Lower), percent(e.Bound))
	case c == Latency && e.Latency > 0:
		return fmt.Sprintf("latency %s, that of the others %s", rounded(e.Latency), rounded(e.Peers))
	case c == Trial && e.Latency > 0 && e.Peers > 0:
		return fmt.Sprintf("the trial took %s, at most %s is good", rounded(e.Latency), rounded(e.Peers))
	}
	return ""
}

// load says how the rest stood when an endpoint that answers was judged.
func (e *Evidence) load() string {
	if e.Crowding == 0 {
		return ""
	}
	return fmt.Sprintf("it answers %.2g times what the typical other one does, and those need %.2g times what they need when idle", e.Work, e.Crowding)
}

func percent(share float64) string { return fmt.Sprintf("%.3g%%", 100*share) }

func rounded(d time.Duration) time.Duration {
	if d >= time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(100 * time.Microsecond)
}

// Text says what an action was, in a line without its time and endpoint.
func (a *Action) Text() string {
	text := ""
	switch a.Kind {
	case Eject:
		text = fmt.Sprintf("ejected for %s: %s", a.For, a.Cause)
	case HoldBack:
		text = fmt.Sprintf("not ejected: %s; held back by %s", a.Cause, a.Gate)
	case TrialWon:
		return "a trial went well"
	case TrialLost:
		text = fmt.Sprintf("a trial failed: ejected for %s more", a.For)
	case Readmit:
		return "readmitted; it ramps up"
	case TakeBack:
		text = "attempts were taken back and are made elsewhere"
	case Release:
		if a.Gate == NoRoom {
			return fmt.Sprintf("readmitted at once: those left need %s, %s before", rounded(a.Evidence.Latency), rounded(a.Evidence.Peers))
		}
		return "readmitted at once: those left fail as well"
	case Serve:
		return "takes its whole share"
	case PanicOn:
		return "panic: so few endpoints are left that ejections are ignored"
	case PanicOff:
		return "panic is over"
	case ShedOn:
		return "requests are turned away: every endpoint has as much to do as it may"
	case ShedOff:
		return fmt.Sprintf("no more requests are turned away; %d were", a.Evidence.Shed)
	case Limit:
		return fmt.Sprintf("limit %d, was %d", a.Evidence.To, a.Evidence.From)
	}
	if why := a.Evidence.Text(a.Cause); why != "" {
		text += "; " + why
	}
	if a.Gate == Loaded || a.Gate == NoRoom {
		text += "; " + a.Evidence.load()
	}
	return text
}
