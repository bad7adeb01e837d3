package record

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// numbered is a record all of whose words say which one it is.
func numbered(n uint64) lb.Record {
	return lb.Record{
		Sent: stats.Instant(n), Took: time.Duration(n), Latency: time.Duration(n), Key: n,
		Endpoint: uint32(n * lanes), Inflight: uint16(n), Route: uint16(n), Outcome: lb.Outcome(n % uint64(lb.OutcomeCount)), Attempt: uint8(n), Flags: lb.Flags(n),
	}
}

// spread is a numbered record in any lane.
func spread(n uint64) lb.Record {
	r := numbered(n)
	r.Endpoint = uint32(scatter(n))
	return r
}

func scatter(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 >> 61 }

// ofLane returns a ring whose lanes hold so many records.
func ofLane(size int) *Ring { return NewRing(lanes * size) }

func TestRingHandsOutRecordsInOrder(t *testing.T) {
	r := ofLane(8)
	into := make([]lb.Record, 20)
	next := uint64(1)
	for round := range 50 {
		first := next
		for range round % 9 { // up to a full ring
			rec := numbered(next)
			r.Append(&rec)
			next++
		}
		n, lost := r.Drain(into)
		if n != int(next-first) || lost != 0 {
			t.Fatalf("round %d: %d records and %d lost; want %d and none", round, n, lost, next-first)
		}
		for i, got := range into[:n] {
			if want := numbered(first + uint64(i)); got != want {
				t.Fatalf("round %d: record %d is %+v; want %+v", round, i, got, want)
			}
		}
	}
}

func TestRingCountsWhatItForgot(t *testing.T) {
	r := ofLane(8)
	for n := range uint64(21) {
		rec := numbered(n)
		r.Append(&rec)
	}
	into := make([]lb.Record, 20)
	n, lost := r.Drain(into)
	if n != 8 || lost != 13 || into[0] != numbered(13) || into[7] != numbered(20) {
		t.Errorf("%d records from %d, %d lost; want the last 8 of 21, from 13", n, into[0].Key, lost)
	}
	if n, lost := r.Drain(into); n != 0 || lost != 0 {
		t.Errorf("drained again: %d records, %d lost; want none", n, lost)
	}
}

func TestRingKeepsWhatHasNoRoomYet(t *testing.T) {
	r := ofLane(8)
	for n := range uint64(7) {
		rec := numbered(n)
		r.Append(&rec)
	}
	into := make([]lb.Record, 3)
	for want := uint64(0); want < 7; {
		n, lost := r.Drain(into)
		if n == 0 || lost != 0 {
			t.Fatalf("%d records, %d lost after %d", n, lost, want)
		}
		for _, got := range into[:n] {
			if got != numbered(want) {
				t.Errorf("record %d is %+v", want, got)
			}
			want++
		}
	}
}

// A writer may be set aside while it has a lane. Nobody waits for it: the
// records of others go into the next lane, and the reader reads what is there.
func TestRingDoesNotWaitForAWriterThatSleeps(t *testing.T) {
	r := ofLane(8)
	first := numbered(1)
	r.Append(&first)
	r.lanes[0].taken.Store(1) // somebody has it and sleeps
	second := numbered(2)
	r.Append(&second)
	into := make([]lb.Record, 8)
	if n, lost := r.Drain(into); n != 1 || lost != 0 || into[0] != second {
		t.Fatalf("%d records from %d, %d lost; want the one that went elsewhere", n, into[0].Key, lost)
	}
	r.lanes[0].taken.Store(0)
	if n, lost := r.Drain(into); n != 1 || lost != 0 || into[0] != first {
		t.Errorf("%d records from %d, %d lost once it is awake; want the one that was there", n, into[0].Key, lost)
	}
}

func TestRingCountsARecordThatFindsNoLane(t *testing.T) {
	r := ofLane(8)
	for i := range r.lanes {
		r.lanes[i].taken.Store(1)
	}
	rec := numbered(1)
	r.Append(&rec)
	into := make([]lb.Record, 8)
	if n, lost := r.Drain(into); n != 0 || lost != 1 {
		t.Errorf("%d records, %d lost; want one lost", n, lost)
	}
	if n, lost := r.Drain(into); n != 0 || lost != 0 {
		t.Errorf("%d records, %d lost the second time; want none: it was counted", n, lost)
	}
}

// What is overwritten while the reader is between two batches is lost, and
// only that.
func TestRingIsOverwrittenBetweenTwoBatches(t *testing.T) {
	const size = 2 * batch
	r := ofLane(size)
	for n := range uint64(size) {
		rec := numbered(n)
		r.Append(&rec)
	}
	into := make([]lb.Record, size)
	if n, lost := r.Drain(into[:1]); n != 1 || lost != 0 { // has read a batch
		t.Fatalf("%d records, %d lost; want the first", n, lost)
	}
	for n := range uint64(size) { // all that was not read is gone
		rec := numbered(size + n)
		r.Append(&rec)
	}
	n, lost := r.Drain(into)
	if n != size || lost != size-batch || into[0] != numbered(1) {
		t.Fatalf("%d records from %d, %d lost; want %d from 1, %d lost", n, into[0].Key, lost, size, size-batch)
	}
	if got, want := into[batch-1], numbered(size); got != want {
		t.Errorf("behind the batch comes %d; want %d", got.Key, want.Key)
	}
}

func TestRingOfManyWritersTearsNothingAndCountsAll(t *testing.T) {
	const writers, each = 4, 20_000
	for _, size := range []int{2, 16, 1024} {
		r := ofLane(size)
		var number atomic.Uint64
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				for range each {
					rec := spread(number.Add(1))
					r.Append(&rec)
				}
			})
		}
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		seen := map[uint64]bool{}
		var lost uint64
		into := make([]lb.Record, 64)
		drain := func() int {
			n, l := r.Drain(into)
			lost += l
			for _, rec := range into[:n] {
				if rec != spread(rec.Key) {
					t.Fatalf("torn: %+v", rec)
				}
				if seen[rec.Key] {
					t.Fatalf("record %d twice", rec.Key)
				}
				seen[rec.Key] = true
			}
			return n
		}
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			drain()
		}
		for range 3 * size {
			drain()
		}
		if got := uint64(len(seen)) + lost; got != writers*each {
			t.Errorf("size %d: %d read and %d lost make %d; want %d", size, len(seen), lost, got, writers*each)
		}
	}
}

func TestRingMergesItsLanesByTheirEnd(t *testing.T) {
	r := ofLane(64)
	for n := range uint64(40) { // lanes get them in turn, and some more than others
		rec := lb.Record{Sent: stats.Instant(n), Took: 1, Key: n, Endpoint: uint32(n * n % 7)}
		r.Append(&rec)
	}
	into := make([]lb.Record, 7) // each drain goes on where the last one ended
	for want := uint64(0); want < 40; {
		n, lost := r.Drain(into)
		if n == 0 || lost != 0 {
			t.Fatalf("%d records, %d lost after %d", n, lost, want)
		}
		for _, rec := range into[:n] {
			if rec.Key != want {
				t.Fatalf("record %d; want %d", rec.Key, want)
			}
			want++
		}
	}
}

func TestLeaseHandsItsRecordToTheRing(t *testing.T) {
	a := Attempts{Ring: NewRing(8)}
	e := endpoint()
	e.ID = 7
	e.Live.Begin()
	l := a.Open(Terms{Endpoint: e, Attempt: 2, Flags: lb.Retry | lb.Keyed, Route: 3, Sent: 1000, Key: 99})
	l.Out(9000) // the end of the answer
	l.Close(5000, 4000, lb.Success)
	gone := a.Open(Terms{Endpoint: e, Attempt: 1000, Route: 1 << 20, Sent: 6000})
	gone.Waited(2500)
	gone.Close(8000, 0, lb.Canceled)
	into := make([]lb.Record, 4)
	if n, lost := a.Ring.Drain(into); n != 2 || lost != 0 {
		t.Fatalf("%d records, %d lost; want two", n, lost)
	}
	if want := (lb.Record{Sent: 1000, Took: 8000, Latency: 4000, Key: 99, Endpoint: 7, Inflight: 1, Route: 3, Outcome: lb.Success, Attempt: 2, Flags: lb.Retry | lb.Keyed}); into[0] != want {
		t.Errorf("record %+v; want %+v", into[0], want)
	}
	if want := (lb.Record{Sent: 6000, Took: 2000, Latency: 2500, Endpoint: 7, Inflight: 1, Route: 65535, Outcome: lb.Canceled, Attempt: 255}); into[1] != want {
		t.Errorf("record of one whose client left %+v; want %+v", into[1], want)
	}
	if s := e.Stats.Latency.Snapshot(); s.Count() != 1 {
		t.Errorf("%d latencies in the statistics; want one: a canceled attempt has none", s.Count())
	}
}

// BenchmarkAppend is with as many writers as -cpu says.
func BenchmarkAppend(b *testing.B) {
	r := NewRing(RingSize)
	var ids atomic.Uint32
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		rec := numbered(1)
		rec.Endpoint = ids.Add(1)
		for p.Next() {
			r.Append(&rec)
		}
	})
}

// BenchmarkDrain is what a record costs its reader, all lanes in use.
func BenchmarkDrain(b *testing.B) {
	r, into := NewRing(RingSize), make([]lb.Record, 1024)
	rec := numbered(1)
	b.ReportAllocs()
	for i := 0; i < b.N; {
		b.StopTimer()
		for n := range len(into) {
			rec.Sent, rec.Endpoint = stats.Instant(i+n), uint32(scatter(uint64(n)))
			r.Append(&rec)
		}
		b.StartTimer()
		n, _ := r.Drain(into)
		i += n
	}
}

// BenchmarkLease is an attempt's whole account, with and without a record, by
// as many writers as -cpu says. Each has an endpoint of its own, which answers
// 10,000 times a second, in times that differ.
func BenchmarkLease(b *testing.B) {
	var took [1024]time.Duration
	dice := stats.NewDice(1)
	for i := range took {
		took[i] = time.Duration(1e6 + dice.IntN(9e6))
	}
	for name, ring := range map[string]*Ring{"recorded": NewRing(RingSize), "not recorded": nil} {
		b.Run(name, func(b *testing.B) {
			a := Attempts{Ring: ring}
			var ids atomic.Uint32
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				e := endpoint() // one for each writer: what is shared is the ring
				e.ID = ids.Add(1)
				now := stats.Instant(0)
				for i := 0; p.Next(); i++ {
					now += 100_000
					d := took[i%len(took)]
					l := a.Open(Terms{Endpoint: e, Attempt: 1, Sent: now, Key: 9, Flags: lb.Keyed})
					l.Close(now.Add(d), d, lb.Success)
				}
			})
		})
	}
}
