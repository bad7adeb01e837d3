package proxy

import (
	"strconv"

	"poise/internal/balance"
	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
)

// The fields by which a trusted peer asks why a request goes where it goes,
// and is answered.
var (
	namePoiseExplain  = []byte("Poise-Explain")
	namePoiseEndpoint = []byte("Poise-Endpoint")
)

// mostExplained bounds the endpoints whose scores are told.
const mostExplained = 32

// asksWhy reports whether a field of the request asks to be told.
func asksWhy(f *message.Field) bool {
	return len(f.Name) == len(namePoiseExplain) && message.EqualFold(f.Name, "poise-explain")
}

// explain notes what the policy makes of each endpoint, as it was when the
// attempt was placed: "expected-delay; 127.0.0.1:9001=0.0123, …". An endpoint
// that may not be picked has its state in place of a score, and one that
// failed this request before stands as tried.
func (s *state) explain(snapshot *cluster.Snapshot, p balance.Picker, t *record.Terms, info *balance.PickInfo) {
	scorer, _ := p.(balance.Scorer)
	s.explained = s.intern(func(b []byte) []byte {
		b = append(b, snapshot.Policy...)
		switch {
		case t.Flags&lb.Canary != 0:
			b = append(b[:len(b)-len(snapshot.Policy)], snapshot.Challenger+" (on trial)"...)
		case t.Flags&lb.Sticky != 0:
			b = append(b, " (sticky)"...)
		case t.Flags&lb.Trial != 0:
			b = append(b, " (to learn whether the endpoint is back)"...)
		}
		for i, e := range snapshot.Members[:min(len(snapshot.Members), mostExplained)] {
			b = append(b, [...]string{"; ", ", "}[min(i, 1)]...)
			b = append(append(b, e.Address...), '=')
			switch {
			case info.Excluded(e):
				b = append(b, "tried"...)
			case snapshot.States[i].Word != "healthy" && !snapshot.Panic:
				b = append(b, snapshot.States[i].Word...)
			case scorer == nil:
				b = append(b, "unscored"...)
			default:
				b = strconv.AppendFloat(b, scorer.Score(*info, e), 'g', 4, 64)
			}
		}
		return b
	})
}

// explanation appends the fields of the answer.
func (s *state) explanation(fields []message.Field) []message.Field {
	if s.explained == nil || s.last == nil {
		return fields
	}
	return append(fields,
		message.Field{Name: namePoiseEndpoint, Value: []byte(s.last.Address)},
		message.Field{Name: namePoiseExplain, Value: s.explained})
}
