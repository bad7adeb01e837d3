package proxy

import (
	"poise/internal/lb"
	"poise/internal/message"
)

// noteLoad takes in how many requests the endpoint says it has under way, this
// one among them.
func (a *attempt) noteLoad(h *message.Head) {
	name := a.up.LoadField
	for i := range h.Fields {
		f := &h.Fields[i]
		if len(f.Name) != len(name) || !message.EqualFold(f.Name, name) {
			continue
		}
		if n, ok := count(f.Value); ok {
			e := a.lease.Endpoint()
			e.Stats.Reports.Add(n, e.Live.Inflight())
		}
		return
	}
}

// count reads a number of requests. What is no number is no report.
func count(text []byte) (n int, ok bool) {
	if len(text) == 0 {
		return 0, false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), lb.MostReported)
	}
	return n, true
}
