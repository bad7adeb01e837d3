package http1

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"poise/internal/message"
)

// The classes of octets that the grammar asks about.
const (
	isToken  = 1 << iota // tchar, RFC 9110 section 5.6.2
	isTarget             // visible ASCII but '#', which no request target may hold
	isHost               // unreserved and sub-delims, RFC 3986 section 2
	isHex
	isDigit
	isLiteral // what an IP literal may hold beside hex digits
)

var octets = func() (t [256]uint8) {
	mark := func(class uint8, set string) {
		for i := range len(set) {
			t[set[i]] |= class
		}
	}
	const digits = "0123456789"
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mark(isDigit, digits)
	mark(isHex, digits+"abcdefABCDEF")
	mark(isToken, digits+letters+"!#$%&'*+-.^_`|~")
	mark(isHost, digits+letters+"-._~"+"!$&'()*+,;=")
	mark(isLiteral, ":.")
	for c := '!'; c <= '~'; c++ {
		t[c] |= isTarget
	}
	t['#'] &^= isTarget
	return t
}()

func is(class, c uint8) bool { return octets[c]&class != 0 }

// run returns the index of the first byte of b, from i on, that is not of
// the class; len(b) if there is none.
func run(class uint8, b []byte, i int) int {
	for i < len(b) && octets[b[i]]&class != 0 {
		i++
	}
	return i
}

// all reports whether every byte of b is of the class.
func all(class uint8, b []byte) bool { return run(class, b, 0) == len(b) }

// text returns the index of the first byte of b, from i on, that no field
// value may hold: a control byte other than a tab; len(b) if there is none.
// It looks at eight bytes at once (Hacker's Delight, section 6-1); the lowest
// hit is exact, a hit above it may be a borrow.
func text(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ 0x7f*ones
		hits := ((x-0x20*ones)&^x | (del-ones)&^del) & highs
		if hits == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hits) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(b) && (b[i] >= ' ' && b[i] != 0x7f || b[i] == '\t') {
		i++
	}
	return i
}

// trim takes the spaces and tabs off both ends.
func trim(b []byte) []byte {
	start, end := 0, len(b)
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for start < end && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return b[start:end:end]
}

// element cuts the first element off a comma-separated list, trimmed. It may
// be empty; the list is at its end when rest is nil.
func element(list []byte) (first, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:]
		}
	}
	return trim(list), nil
}

// lists reports whether a comma-separated list has the element, which is in
// lower case.
func lists(list []byte, lower string) bool {
	for list != nil {
		var e []byte
		if e, list = element(list); message.EqualFold(e, lower) {
			return true
		}
	}
	return false
}

// Offered reports whether every protocol that was granted had been asked for
// (RFC 9110 section 7.8). Both are lists as Upgrade has them.
func Offered(asked, granted []byte) bool {
	for granted != nil {
		var g []byte
		if g, granted = element(granted); !anyOf(asked, g) {
			return false
		}
	}
	return true
}

func anyOf(list, wanted []byte) bool {
	for list != nil {
		var e []byte
		if e, list = element(list); len(e) > 0 && bytes.EqualFold(e, wanted) {
			return true
		}
	}
	return false
}
