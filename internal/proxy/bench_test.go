package proxy

import (
	"log/slog"
	"testing"
	"time"

	"poise/internal/stats"
)

// BenchmarkDate is the Date field of an answer that came without one: its text
// made once a second, and for every answer.
func BenchmarkDate(b *testing.B) {
	p := New(Options{Now: func() stats.Instant { return 1 }, Wall: time.Now, Log: slog.New(slog.DiscardHandler)})
	b.Run("once a second", func(b *testing.B) {
		for b.Loop() {
			p.dateField(1)
		}
	})
	b.Run("every time", func(b *testing.B) {
		var text [64]byte
		for b.Loop() {
			time.Now().UTC().AppendFormat(text[:0], dateLayout)
		}
	})
}
