package proxy

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"poise/internal/message"
	"poise/internal/stats"
)

// dateText keeps the text of the Date field, made anew once a second and only
// when an answer lacks one.
type dateText struct{ current atomic.Pointer[datedText] }

type datedText struct {
	text  []byte
	until stats.Instant // when the next second begins
}

// dateLayout is the form that RFC 9110 section 5.6.7 prescribes.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

var nameDate = []byte("Date")

// dateField is for answers that came without one (RFC 9110 section 6.6.1).
// now need not be exact: the wall clock is read once a second.
func (p *Proxy) dateField(now stats.Instant) message.Field {
	d := p.date.current.Load()
	if d == nil || now >= d.until {
		wall := p.options.Wall()
		d = &datedText{
			text:  []byte(wall.UTC().Format(dateLayout)),
			until: p.options.Now().Add(time.Second - time.Duration(wall.Nanosecond())),
		}
		p.date.current.Store(d)
	}
	return message.Field{Name: nameDate, Value: d.text, ID: message.Date}
}

// mishaps reports requests that Poise had to answer by itself with a 5xx, at
// most so many a second, so that an outage does not fill the disk.
type mishaps struct {
	log      *slog.Logger
	mu       sync.Mutex
	second   int64
	reported int
	silent   int
}

const mishapsASecond = 5

func (m *mishaps) report(s *state) {
	second := s.proxy.options.Wall().Unix()
	m.mu.Lock()
	if m.second != second {
		m.second, m.reported = second, 0
	}
	if m.reported >= mishapsASecond {
		m.silent++
		m.mu.Unlock()
		return
	}
	m.reported++
	silent := m.silent
	m.silent = 0
	m.mu.Unlock()

	attributes := []any{"error", s.fault, "status", s.status, "attempts", s.tries}
	if s.up != nil {
		attributes = append(attributes, "cluster", s.up.Name)
	}
	if s.last != nil {
		attributes = append(attributes, "endpoint", s.last.Address)
	}
	if s.detail != nil {
		attributes = append(attributes, "cause", s.detail.Error())
	}
	if silent > 0 {
		attributes = append(attributes, "not_reported", silent)
	}
	m.log.Warn("request failed", append(attributes, "after", s.proxy.options.Now().Sub(s.begun).Round(time.Microsecond))...)
}
