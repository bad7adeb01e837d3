package stats

import "math/bits"

// Dice is a small random number generator for one owner; it takes no lock.
// The zero value works and rolls the same numbers every time.
//
// It is wyrand (Wang Yi, public domain, github.com/wangyi-fudan/wyhash): one
// multiplication a roll, passes BigCrush and PractRand.
type Dice struct{ state uint64 }

// NewDice returns dice that start at seed.
func NewDice(seed uint64) Dice { return Dice{state: seed} }

// Uint64 returns 64 random bits.
func (d *Dice) Uint64() uint64 {
	d.state += 0xa0761d6478bd642f
	hi, lo := bits.Mul64(d.state, d.state^0xe7037ed1a0b428db)
	return hi ^ lo
}

// IntN returns a number in [0, n). n must be positive. The bias of the
// multiplication (Lemire 2019) is below n/2^64 and is not corrected.
func (d *Dice) IntN(n int) int {
	hi, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(hi)
}

// Float64 returns a number in [0, 1).
func (d *Dice) Float64() float64 { return float64(d.Uint64()>>11) / (1 << 53) }
