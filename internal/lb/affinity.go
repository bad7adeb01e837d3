package lb

import (
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"
)

// Affinity is what is known of the keys of a cluster's requests: where each
// was served last, and how much faster an endpoint is with a key that it has
// just seen. Package learn writes it and expected-delay reads it; a nil or
// zero Affinity knows nothing.
//
// The memory is one word for each of 65,536 slots and is made with the first
// key. Two keys that share a slot push each other out: what is lost is a hint.
type Affinity struct {
	effect atomic.Uint64 // hit and miss, as float32 each; 0 for no effect
	near   atomic.Int64
	homes  atomic.Pointer[homes]
}

type homes [1 << homeBits]atomic.Uint64

const (
	homeBits = 16
	idBits   = 20 // of an endpoint's ID; two that differ by a multiple of 2^20 look the same
	tagBits  = 12 // of the key, so that another key in the slot is mostly noticed
	seqBits  = 32
)

// Home is where a key was served last.
type Home struct{ word uint64 }

// Known reports whether there is one.
func (h Home) Known() bool { return h.word != 0 }

// ID returns the last 20 bits of the endpoint's ID.
func (h Home) ID() uint32 { return uint32(h.word>>seqBits) & (1<<idBits - 1) }

// At reports whether it is the endpoint with this ID.
func (h Home) At(id uint32) bool {
	return h.word != 0 && h.ID() == id&(1<<idBits-1)
}

// Distance returns how many requests an endpoint has served since, given how
// many it has served by now (Live.Served). It is 0 when those were not counted
// yet.
func (h Home) Distance(served uint32) int { return int(max(int32(served-uint32(h.word)), 0)) }

// Home returns where key was served last.
func (a *Affinity) Home(key uint64) Home {
	if a == nil {
		return Home{}
	}
	t := a.homes.Load()
	if t == nil {
		return Home{}
	}
	slot, tag := place(key)
	if w := t[slot].Load(); w>>(seqBits+idBits) == tag {
		return Home{w}
	}
	return Home{}
}

// SetHome notes that the endpoint with this ID served key as its request
// number seq.
func (a *Affinity) SetHome(key uint64, id, seq uint32) {
	t := a.homes.Load()
	if t == nil {
		t = &homes{}
		a.homes.Store(t)
	}
	slot, tag := place(key)
	t[slot].Store(tag<<(seqBits+idBits) | uint64(id&(1<<idBits-1))<<seqBits | uint64(seq))
}

// place spreads keys over slots (Fibonacci hashing, Knuth 6.4). A tag is never
// 0, so that a word is never 0.
func place(key uint64) (slot, tag uint64) {
	h := key * 0x9e3779b97f4a7c15
	return h >> (64 - homeBits), max(h>>(64-homeBits-tagBits)&(1<<tagBits-1), 1)
}

// Effect returns how long an endpoint works on a request whose key it has seen
// within its last near requests (hit), and on any other (miss), both as
// multiples of the mean. Without an effect it returns 1, 1, 0.
func (a *Affinity) Effect() (hit, miss float64, near int) {
	if a == nil {
		return 1, 1, 0
	}
	w := a.effect.Load()
	if w == 0 {
		return 1, 1, 0
	}
	return float64(math.Float32frombits(uint32(w >> 32))), float64(math.Float32frombits(uint32(w))), int(a.near.Load())
}

// SetEffect replaces the effect. A reader may see the factors of one and the
// distance of the next.
func (a *Affinity) SetEffect(hit, miss float64, near int) {
	a.near.Store(int64(near))
	a.effect.Store(uint64(math.Float32bits(float32(hit)))<<32 | uint64(math.Float32bits(float32(miss))))
}

// Clone returns a copy that shares nothing with a.
func (a *Affinity) Clone() *Affinity {
	c := &Affinity{}
	if a == nil {
		return c
	}
	c.effect.Store(a.effect.Load())
	c.near.Store(a.near.Load())
	if t := a.homes.Load(); t != nil {
		n := &homes{}
		for i := range t {
			if w := t[i].Load(); w != 0 { // a store is a locked instruction, a look is not
				n[i].Store(w)
			}
		}
		c.homes.Store(n)
	}
	return c
}

// MarshalBinary returns what is known.
func (a *Affinity) MarshalBinary() ([]byte, error) {
	b := binary.LittleEndian.AppendUint64(nil, a.effect.Load())
	b = binary.LittleEndian.AppendUint64(b, uint64(a.near.Load()))
	t := a.homes.Load()
	for i := 0; t != nil && i < len(t); i++ {
		if w := t[i].Load(); w != 0 {
			b = binary.LittleEndian.AppendUint32(b, uint32(i))
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	return b, nil
}

var errAffinity = errors.New("lb: the memory of keys is cut short or broken; start without it")

// UnmarshalBinary replaces what is known.
func (a *Affinity) UnmarshalBinary(b []byte) error {
	if len(b) < 16 || (len(b)-16)%12 != 0 {
		return errAffinity
	}
	effect, near := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	for _, f := range []uint32{uint32(effect >> 32), uint32(effect)} {
		if v := float64(math.Float32frombits(f)); !(v >= 0 && v < math.MaxFloat32) {
			return errAffinity
		}
	}
	t := &homes{}
	for b = b[16:]; len(b) > 0; b = b[12:] {
		t[binary.LittleEndian.Uint32(b)%uint32(len(t))].Store(binary.LittleEndian.Uint64(b[4:]))
	}
	a.near.Store(int64(near))
	a.effect.Store(effect)
	a.homes.Store(t)
	return nil
}
