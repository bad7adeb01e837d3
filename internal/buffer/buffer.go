// Package buffer lends memory for reading and takes it back, so that a
// connection that waits for nothing in particular holds none.
package buffer

import "sync"

// The sizes that are lent, in bytes. A head usually fits the first; bodies are
// read in the last, where a system call moves enough to be worth its price: it
// has room for the 64 KiB that many servers send at once and for their head.
const (
	Small = 4 << 10
	Large = 16 << 10
	Huge  = 72 << 10
)

var sizes = [...]int{Small, Large, Huge}

type block struct {
	bytes []byte
	class int // index into pools, -1 for memory that no pool takes back
}

var pools [len(sizes)]sync.Pool

func lend(size int) *block {
	for class, s := range sizes {
		if size > s {
			continue
		}
		if b, ok := pools[class].Get().(*block); ok {
			return b
		}
		return &block{bytes: make([]byte, s), class: class}
	}
	return &block{bytes: make([]byte, size), class: -1}
}

func (b *block) back() {
	if b.class >= 0 {
		pools[b.class].Put(b)
	}
}

// Buffer is a window of unread bytes over lent memory. The zero value holds
// nothing. It belongs to one goroutine at a time.
type Buffer struct {
	mem        *block
	start, end int
}

// Held reports whether b holds memory.
func (b *Buffer) Held() bool { return b.mem != nil }

// Len returns the number of unread bytes.
func (b *Buffer) Len() int { return b.end - b.start }

// Bytes returns the unread bytes.
func (b *Buffer) Bytes() []byte {
	if b.mem == nil {
		return nil
	}
	return b.mem.bytes[b.start:b.end]
}

// Take returns the next n unread bytes and counts them as read. They stay
// valid until the buffer is filled again or released.
func (b *Buffer) Take(n int) []byte {
	p := b.mem.bytes[b.start : b.start+n]
	b.start += n
	return p
}

// Skip counts n bytes as read.
func (b *Buffer) Skip(n int) { b.start += n }

// Space returns the free memory behind the unread bytes, at least of the size
// of a small buffer when b held none.
func (b *Buffer) Space() []byte {
	if b.mem == nil {
		b.mem = lend(Small)
	}
	return b.mem.bytes[b.end:]
}

// Added counts n bytes that were written to Space as unread.
func (b *Buffer) Added(n int) { b.end += n }

// Hold makes sure that b holds memory of at least size bytes in all, and that
// its unread bytes are at its start. It reports whether memory moved: slices
// taken before are then dead.
func (b *Buffer) Hold(size int) (moved bool) {
	if b.mem == nil {
		b.mem = lend(size)
		b.start, b.end = 0, 0
		return false
	}
	if len(b.mem.bytes) < size {
		next := lend(size)
		n := copy(next.bytes, b.Bytes())
		b.mem.back()
		b.mem, b.start, b.end = next, 0, n
		return true
	}
	if b.start > 0 {
		b.end = copy(b.mem.bytes, b.mem.bytes[b.start:b.end])
		b.start = 0
		return true
	}
	return false
}

// Append adds p to the unread bytes and grows b where it must.
func (b *Buffer) Append(p []byte) {
	if len(b.Space()) < len(p) {
		b.Hold(b.Len() + len(p))
	}
	b.end += copy(b.mem.bytes[b.end:], p)
}

// Cap returns the size of the memory held.
func (b *Buffer) Cap() int {
	if b.mem == nil {
		return 0
	}
	return len(b.mem.bytes)
}

// Release gives the memory back, and with it whatever was unread.
func (b *Buffer) Release() {
	if b.mem == nil {
		return
	}
	b.mem.back()
	*b = Buffer{}
}
