package transport

import (
	"sync/atomic"
	"testing"
	"time"

	"poise/internal/socket"
	"poise/internal/stats"
)

// BenchmarkPool takes a connection out of a pool and puts it back, on as many
// cores as -cpu says: each at a shard of its own, and all at one.
func BenchmarkPool(b *testing.B) {
	for name, apart := range map[string]uint64{"8 shards": 1, "one": 0} {
		b.Run(name, func(b *testing.B) {
			tr := New(func() stats.Instant { return stats.Instant(time.Hour) })
			p := tr.Pool("127.0.0.1:1", Options{Idle: 1000, Lifetime: time.Hour})
			for n := range uint64(64) { // connections that were never made: nobody sends on them
				c := newConn(p, &link{Conn: &socket.Conn{}, born: p.transport.coarse()})
				c.number = n * apart
				p.put(c)
			}
			var next atomic.Uint64
			b.RunParallel(func(pb *testing.PB) {
				number := next.Add(1) * apart
				for pb.Next() {
					c := p.take(number)
					c.number = number
					p.put(c)
				}
			})
		})
	}
}
