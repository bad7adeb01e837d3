package learn

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"poise/internal/lb"
)

// stateVersion is the first word of a Learner's state.
const stateVersion = 2

var errState = errors.New("learn: the state is cut short or of another version; start without it")

// MarshalBinary returns what l knows. The same knowledge gives the same bytes.
func (l *Learner) MarshalBinary() ([]byte, error) {
	c := codec{}
	l.walk(&c)
	return c.bytes, nil
}

// UnmarshalBinary replaces what l knows. Where it publishes to comes after:
// Members, with endpoints of the same IDs.
func (l *Learner) UnmarshalBinary(b []byte) error {
	n := New(Options{Affinity: l.keys.to})
	c := codec{bytes: b, reading: true}
	n.walk(&c)
	if c.failed || len(c.bytes) > 0 {
		return errState
	}
	*l = *n
	return nil
}

// codec writes what it is shown, or reads into it, so that both are one walk.
type codec struct {
	bytes   []byte
	reading bool
	failed  bool
}

func (c *codec) word(v *uint64) {
	switch {
	case !c.reading:
		c.bytes = binary.LittleEndian.AppendUint64(c.bytes, *v)
	case len(c.bytes) < 8:
		c.failed = true
	default:
		*v = binary.LittleEndian.Uint64(c.bytes)
		c.bytes = c.bytes[8:]
	}
}

// count is a number of things that follow, each of at least so many bytes: a
// broken one must not make room for more than there is.
func (c *codec) count(n, each int) int {
	v := uint64(n)
	c.word(&v)
	if c.reading && v > uint64(len(c.bytes)/each) {
		c.failed = true
	}
	if c.failed {
		return 0
	}
	return int(v)
}

func (c *codec) floats(all ...*float64) {
	for _, f := range all {
		v := math.Float64bits(*f)
		c.word(&v)
		if *f = math.Float64frombits(v); c.reading && (math.IsNaN(*f) || math.IsInf(*f, 0)) {
			c.failed = true
		}
	}
}

func number[T ~int | ~int64 | ~uint32](c *codec, all ...*T) {
	for _, n := range all {
		v := uint64(*n)
		c.word(&v)
		*n = T(v)
	}
}

func (c *codec) flag(all ...*bool) {
	for _, b := range all {
		v := uint64(0)
		if *b {
			v = 1
		}
		c.word(&v)
		*b = v != 0
	}
}

func (c *codec) text(s *string) {
	n := c.count(len(*s), 1)
	if !c.reading {
		c.bytes = append(c.bytes, *s...)
		return
	}
	*s = string(c.bytes[:n])
	c.bytes = c.bytes[n:]
}

// sparse walks the words of a table that are not 0.
func (c *codec) sparse(table []uint64) {
	used := 0
	for _, w := range table {
		if w != 0 {
			used++
		}
	}
	used = c.count(used, 16)
	for i := 0; !c.reading && i < len(table); i++ {
		if at := uint64(i); table[i] != 0 {
			c.word(&at)
			c.word(&table[i])
		}
	}
	for range used {
		if !c.reading || c.failed {
			return
		}
		var at, w uint64
		c.word(&at)
		c.word(&w)
		table[at%uint64(len(table))] = w
	}
}

func (l *Learner) walk(c *codec) {
	version := uint64(stateVersion)
	if c.word(&version); version != stateVersion {
		c.failed = true
		return
	}
	number(c, &l.now, &l.fitAt, &l.mergedAt)
	c.flag(&l.due, &l.shown)
	c.floats(&l.usual, &l.load, &l.share.came, &l.share.learnt, &l.share.last)
	c.index(&l.fleet, 0, len(capacities))
	l.keys.walk(c)
	all := l.known()
	n := c.count(len(all), 8)
	for i := range n {
		if c.failed {
			return
		}
		if c.reading {
			all = append(all, &endpoint{to: &lb.Endpoint{Live: &lb.Live{}}})
		}
		all[i].walk(c)
	}
	for _, e := range all {
		switch {
		case !c.reading:
		case e.left == 0:
			l.members = append(l.members, e)
			l.byID[e.to.ID] = e
		default:
			l.gone[e.to.Address] = e
			l.byID[e.to.ID] = e
		}
	}
	l.index()
}

// known are the members and, by their number, those that have left.
func (l *Learner) known() []*endpoint {
	all := slices.Clone(l.members)
	for _, e := range l.gone {
		all = append(all, e)
	}
	slices.SortFunc(all[len(l.members):], func(a, b *endpoint) int { return int(int64(a.to.ID) - int64(b.to.ID)) })
	return all
}

// index reads a place in a table, from least on.
func (c *codec) index(i *int, least, end int) {
	if number(c, i); *i < least || *i >= end {
		c.failed, *i = true, least
	}
}

func (e *endpoint) walk(c *codec) {
	number(c, &e.to.ID)
	c.text(&e.to.Address)
	number(c, &e.left)
	number(c, &e.served)
	c.floats(&e.service)
	s := &e.speed
	c.floats(&s.n, &s.slow, &s.slowVar, &s.fast, &s.fastVar, &s.quick, &s.logVar, &s.mean, &s.meanVar)
	number(c, &s.last)
	c.flag(&s.better, &e.work.identified)
	c.index(&e.work.capacity, -1, len(capacities))
	for i := range e.work.n {
		c.floats(&e.work.n[i], &e.work.y[i], &e.work.yy[i])
	}
	c.floats(&e.faults.bad, &e.faults.all, &e.faults.recent)
	number(c, &e.faults.last)
	for i := range e.reuse {
		c.floats(&e.reuse[i])
	}
	number(c, &e.answers, &e.every, &e.turn)
	waits := c.count(len(e.waits), 8)
	for i := range waits {
		if c.reading {
			e.waits = append(e.waits, 0)
		}
		c.floats(&e.waits[i])
	}
}

func (k *keys) walk(c *codec) {
	e := &k.effect
	c.floats(&e.hit, &e.hitLog, &e.mean, &e.meanLog)
	number(c, &e.near)
	e.invert()
	for i := range k.n {
		c.floats(&k.n[i], &k.y[i], &k.yy[i])
	}
	has := k.visits != nil
	if c.flag(&has); !has || c.failed {
		return
	}
	if c.reading {
		k.visits = &[visitSlots]uint64{}
	}
	c.sparse(k.visits[:])
}
