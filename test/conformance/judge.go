package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"poise/test/conformance/strict"
)

// Outcome is what a proxy did with a message, in a word.
type Outcome string

// The outcomes.
const (
	Refused   Outcome = "refused"   // answered with 4xx or 5xx, or closed, and nothing whole went through
	Forwarded Outcome = "forwarded" // and what went through is legal
	Ambiguous Outcome = "ambiguous" // something went through that is illegal or can be read in two ways
	Smuggled  Outcome = "smuggled"  // a hidden request was served, or an answer went to the wrong request
	CutOff    Outcome = "cut"       // the client sees that the answer broke off
	MadeWhole Outcome = "whole"     // a broken message was made to look whole
	Answered  Outcome = "answered"  // by the proxy itself
	Silent    Outcome = "silent"    // no answer in time, connection left open
)

// Verdict is the judgement of one case at one proxy.
type Verdict struct {
	Outcome Outcome
	Status  int    // of the first final answer
	Met     bool   // all that the case wants of Poise
	Lawful  bool   // all that a MUST has it do
	Why     string // the first thing that is not as wanted
	Detail  string // bytes, for the file of details
}

// sighting is all that is known of a case that was played.
type sighting struct {
	c      *Case
	k      *Talk
	r      *Record
	seen   []*strict.Message // requests of the case that reached the endpoint
	follow string            // what was wrong with the next request's answer
	must   bool              // ask for no more than a MUST
}

func judge(c *Case, k *Talk, r *Record, follow string) Verdict {
	s := &sighting{c: c, k: k, r: r, follow: follow}
	for _, m := range r.Requests {
		if !strings.Contains(m.Target, "/follow") {
			s.seen = append(s.seen, m)
		}
	}
	v := Verdict{Outcome: s.outcome()}
	if len(k.Answers) > 0 {
		v.Status = k.Answers[0].Status
	}
	v.Why = s.unmet(v)
	v.Met = v.Why == ""
	s.must = true
	v.Lawful = v.Met || s.unmet(v) == ""
	if !v.Met {
		v.Detail = fmt.Sprintf("sent %s\nforwarded %s\ngot %s", quote(c.Send), clip(r.Raw.String()), clip(string(k.Raw)))
	}
	return v
}

func quote(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.Bytes)
	}
	return clip(b.String())
}

func clip(s string) string {
	if len(s) > 700 {
		return fmt.Sprintf("%q… %d bytes", s[:700], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// outcome holds for any proxy.
func (s *sighting) outcome() Outcome {
	hidden := slices.ContainsFunc(s.seen, func(m *strict.Message) bool { return strings.Contains(m.Target, "/hidden") })
	status := 0
	if len(s.k.Answers) > 0 {
		status = s.k.Answers[0].Status
	}
	switch {
	case s.c.Want.Hidden && hidden || s.follow != "":
		return Smuggled
	case len(s.r.Faults) > 0 || s.k.Fault != "" && len(s.r.Requests) > 0:
		return Ambiguous
	case s.c.Group == BadAnswer && status == 0 && (s.k.Closed || s.k.Reset):
		return CutOff
	case status >= 400 && (s.c.Group == BadAnswer && status >= 500 || len(s.seen) == 0):
		return Refused
	case s.c.Want.Cut && !s.c.Want.Read && status > 0 && (s.c.Group == BadAnswer || len(s.seen) > 0):
		return MadeWhole
	case (len(s.seen) > 0 || s.c.OnHead && s.r.Raw.Len() > 0) && status > 0:
		return Forwarded
	case status > 0:
		return Answered
	case s.k.Closed || s.k.Reset:
		return Refused
	}
	return Silent
}

// unmet says what is not as the case wants it; "" when all is.
func (s *sighting) unmet(v Verdict) string {
	w := &s.c.Want
	switch {
	case s.follow != "":
		return s.follow
	case len(s.r.Faults) > 0:
		return "forwarded " + s.r.Faults[0]
	case s.k.Fault != "":
		return "answered with " + s.k.Fault
	case s.r.Reused:
		return "a request was sent on a connection that its last answer had ended"
	case w.Refuse > 0:
		if why := s.notRefused(v); why != "" {
			return why
		}
		if w.Get != nil {
			return s.notGot(w.Get)
		}
	case w.Cut && v.Outcome != Refused && v.Outcome != CutOff:
		return "a broken message passed for whole"
	case !w.Cut:
		if why := s.notGot(s.get()); why != "" {
			return why
		}
	}
	see := w.See
	if s.must && w.Must != nil && w.Must.See != nil {
		see = w.Must.See
	}
	if see == nil && (s.c.Group == OddRequest || s.c.Group == InPieces) && w.Refuse == 0 {
		see = &See{}
	}
	if see == nil {
		return ""
	}
	return s.notSeen(see)
}

func (s *sighting) get() *Get {
	w := &s.c.Want
	switch {
	case s.must && w.Must != nil && w.Must.Get != nil:
		return w.Must.Get
	case w.Get != nil:
		return w.Get
	}
	return &Get{}
}

func (s *sighting) notRefused(v Verdict) string {
	w := &s.c.Want
	switch {
	case v.Status != w.Refuse:
		return fmt.Sprintf("status %d; want %d", v.Status, w.Refuse)
	case len(s.k.Answers) > s.c.answers():
		return fmt.Sprintf("%d answers", len(s.k.Answers))
	case s.c.Group != BadAnswer && w.See == nil && len(s.seen) > 0:
		return "it reached the endpoint"
	case s.c.Group != BadAnswer && !w.Open && !s.k.Closed:
		return "the connection stays open"
	case s.k.Rest != "":
		return "bytes behind the refusal"
	}
	return ""
}

func (s *sighting) notSeen(want *See) string {
	n := max(want.Requests, 0)
	if want.Requests == 0 {
		n = 1
	}
	if want.Requests == anyNumber {
		n = len(s.seen)
	}
	if len(s.seen) != n {
		return fmt.Sprintf("%d requests reached the endpoint; want %d", len(s.seen), n)
	}
	if n == 0 {
		return ""
	}
	m := s.seen[0]
	switch {
	case want.Method != "" && m.Method != want.Method:
		return fmt.Sprintf("the method became %q", m.Method)
	case want.Target != "" && m.Target != want.Target:
		return fmt.Sprintf("the target became %q", m.Target)
	case want.Host != "" && !s.sameHost(strings.Join(m.Values("Host"), "|"), want.Host):
		return fmt.Sprintf("Host became %q", m.Values("Host"))
	case m.Version != "1.1":
		return "the version is " + m.Version
	case want.Body != nil && string(m.Body) != *want.Body:
		return fmt.Sprintf("the body became %s", clip(string(m.Body)))
	}
	if n > 1 && s.r.Pipelined {
		return "requests were sent upstream before the answer to the one before"
	}
	for _, m := range s.seen {
		if leaks := m.Leaks(); len(leaks) > 0 {
			return "forwarded " + leaks[0]
		}
	}
	return firstOf(differs(m.Values, want.Fields, want.Gone), differs(m.TrailerValues, want.Trailers, want.NoTrailer))
}

func (s *sighting) notGot(want *Get) string {
	n := s.c.answers()
	if len(s.k.Answers) != n {
		return fmt.Sprintf("%d whole answers; want %d", len(s.k.Answers), n)
	}
	m := s.k.Answers[0]
	status := want.Status
	if status == 0 {
		status = 200
	}
	switch {
	case m.Status != status:
		return fmt.Sprintf("status %d; want %d", m.Status, status)
	case want.Reason != nil && m.Reason != *want.Reason:
		return fmt.Sprintf("the reason became %s", clip(m.Reason))
	case want.Body != nil && string(m.Body) != *want.Body:
		return fmt.Sprintf("the answer's body became %s", clip(string(m.Body)))
	case want.Interim != nil && !slices.Equal(want.Interim, s.interim()):
		return fmt.Sprintf("interim answers %v; want %v", s.k.Interim, want.Interim)
	case want.Dated && !preferredDate(m.Values("Date")):
		return fmt.Sprintf("Date is %q", m.Values("Date"))
	case want.Tunnel != s.k.Tunnel:
		return fmt.Sprintf("the tunnel brought %q", s.k.Tunnel)
	case want.End == "closed" && !s.k.Closed:
		return "the connection stays open"
	case want.End == "open" && s.k.Closed:
		return "the connection was closed"
	case s.k.Rest != "":
		return "bytes behind the answer"
	}
	for i, body := range want.Bodies {
		if string(s.k.Answers[i].Body) != body {
			return fmt.Sprintf("answer %d is %s", i+1, clip(string(s.k.Answers[i].Body)))
		}
	}
	if leaks := m.Leaks(); len(leaks) > 0 && m.Status != 426 {
		return "answered with " + leaks[0]
	}
	if len(s.k.Hints) > 0 {
		if why := differs(s.k.Hints[0].Values, want.Hint, want.HintGone); why != "" {
			return "interim: " + why
		}
	}
	return firstOf(differs(m.Values, want.Fields, want.Gone), differs(m.TrailerValues, want.Trailers, want.NoTrailer))
}

// sameHost compares hosts, for other proxies as RFC 9110 section 4.2.3 has
// URIs compared: letters of either case, and no port for the port 80.
func (s *sighting) sameHost(got, want string) bool {
	if !s.must {
		return got == want
	}
	bare := func(h string) string { return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(h), ":80"), ":") }
	return got != "" && bare(got) == bare(want)
}

// interim are the interim answers. Another proxy may add a 100 of its own.
func (s *sighting) interim() []int {
	if s.must && slices.Contains(s.k.Interim, 100) {
		return slices.Compact(slices.Clone(s.k.Interim))
	}
	return s.k.Interim
}

// preferredDate checks for one date of the form that RFC 9110 section 5.6.7
// has senders use.
func preferredDate(values []string) bool {
	if len(values) != 1 {
		return false
	}
	_, err := time.Parse(http.TimeFormat, values[0])
	return err == nil && len(values[0]) == len(http.TimeFormat)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// alike compares values; a wanted one may end in a star.
func alike(got, want string) bool {
	prefix, open := strings.CutSuffix(want, "*")
	return got == want || open && len(prefix) > 0 && strings.HasPrefix(got, prefix)
}

// differs compares all values of every name that is wanted, in order.
func differs(values func(string) []string, want, gone []string) string {
	wanted := map[string][]string{}
	for _, f := range want {
		name, value, _ := strings.Cut(f, ": ")
		wanted[name] = append(wanted[name], value)
	}
	for name, w := range wanted {
		if got := values(name); !slices.EqualFunc(got, w, alike) {
			return fmt.Sprintf("%s became %s", name, clip(strings.Join(got, " | ")))
		}
	}
	for _, name := range gone {
		if got := values(name); len(got) > 0 {
			return fmt.Sprintf("%s: %s went through", name, clip(got[0]))
		}
	}
	return ""
}
