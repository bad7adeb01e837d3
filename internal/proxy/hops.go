package proxy

import (
	"math"
	"strconv"

	"poise/internal/message"
)

const maxForwards = "max-forwards"

var badHops = &message.Refusal{Status: 400, Word: "bad-field", Text: "Max-Forwards must be one decimal number"}

// hopsLeft returns how often an OPTIONS request may still be forwarded, -1 for
// without limit (RFC 9110 section 7.6.2; TRACE is not served, and with other
// methods the field means nothing).
func hopsLeft(in *message.Head) (int64, *message.Refusal) {
	left := int64(-1)
	if string(in.Method) != "OPTIONS" {
		return left, nil
	}
	for i := range in.Fields {
		f := &in.Fields[i]
		if !message.EqualFold(f.Name, maxForwards) {
			continue
		}
		n, ok := hops(f.Value)
		if !ok || left >= 0 {
			return 0, badHops
		}
		left = n
	}
	return left, nil
}

// hops reads a number; one beyond all bounds is the largest that counts.
func hops(text []byte) (n int64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), math.MaxInt32)
	}
	return n, len(text) > 0
}

// answerOptions answers as the last recipient.
func (s *state) answerOptions() {
	s.beginAnswer(200)
	s.add(nameAllow, allowed)
	s.finish(nil)
}

// countHop writes what is left behind this hop into the request that goes out.
func (s *state) countHop() {
	if s.hops < 0 {
		return
	}
	for i := range s.out.Fields {
		if f := &s.out.Fields[i]; message.EqualFold(f.Name, maxForwards) {
			f.Value = s.intern(func(b []byte) []byte { return strconv.AppendInt(b, s.hops-1, 10) })
		}
	}
}
