package twintest

import (
	"container/heap"
	"container/list"
	"time"

	"poise/internal/stats"
)

// happening is the end of an attempt or, with the complement of a server's
// number, a moment at which that server may be done with one.
type happening struct {
	at      stats.Instant
	job     int32
	version int
}

type calendar []happening

func (c calendar) Len() int           { return len(c) }
func (c calendar) Less(i, j int) bool { return c[i].at < c[j].at }
func (c calendar) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push implements heap.Interface.
func (c *calendar) Push(x any) { *c = append(*c, x.(happening)) }

// Pop implements heap.Interface.
func (c *calendar) Pop() any {
	last := len(*c) - 1
	h := (*c)[last]
	*c = (*c)[:last]
	return h
}

func (c *calendar) push(h happening) { heap.Push(c, h) }
func (c *calendar) pop() happening   { return heap.Pop(c).(happening) }

// sharing is a server that works on everything at once, by counting down what
// is left of each.
type sharing struct {
	open    []left
	last    stats.Instant
	version int
}

type left struct {
	job     int32
	seconds float64
}

func (s *sharing) advance(now stats.Instant, slots float64) {
	if n := float64(len(s.open)); n > 0 {
		done := now.Sub(s.last).Seconds() * min(1, slots/n)
		for i := range s.open {
			s.open[i].seconds -= done
		}
	}
	s.last = now
}

func (s *sharing) begin(now stats.Instant, job int32, seconds, slots float64) {
	s.advance(now, slots)
	s.open = append(s.open, left{job, seconds})
	s.version++
}

func (s *sharing) least() int {
	least := 0
	for i := range s.open {
		if s.open[i].seconds < s.open[least].seconds {
			least = i
		}
	}
	return least
}

func (s *sharing) next(slots float64) stats.Instant {
	n := float64(len(s.open))
	return s.last.Add(time.Duration(max(s.open[s.least()].seconds, 0)/min(1, slots/n)*1e9) + 1)
}

func (s *sharing) end(now stats.Instant, slots float64) int32 {
	s.advance(now, slots)
	i := s.least()
	job := s.open[i].job
	s.open[i] = s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.version++
	return job
}

// lru is a cache of keys that forgets the one unused for longest.
type lru struct {
	order list.List
	at    map[uint64]*list.Element
}

// touch reports whether key was there, and puts it there.
func (l *lru) touch(key uint64, most int) bool {
	if l.at == nil {
		l.at = map[uint64]*list.Element{}
	}
	if e := l.at[key]; e != nil {
		l.order.MoveToFront(e)
		return true
	}
	l.at[key] = l.order.PushFront(key)
	if l.order.Len() > most {
		last := l.order.Back()
		delete(l.at, last.Value.(uint64))
		l.order.Remove(last)
	}
	return false
}
