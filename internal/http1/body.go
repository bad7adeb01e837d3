package http1

import (
	"errors"
	"io"

	"poise/internal/buffer"
	"poise/internal/message"
)

// packet is the most of a body that is read, and so sent, at once. The kernel
// makes packets of at most 64 KiB with their headers (GSO; the MSS of loopback
// is 65,483 bytes): what is a little longer leaves as a full one and a short
// one, for nearly twice the price.
const packet = 65_000

// BodyReader takes a body off a connection, piece by piece. What came with
// the head is read first, from the buffer that holds the head and without
// moving it; only then the connection, into a buffer of its own that is never
// filled beyond what the framing allows.
type BodyReader struct {
	framing message.Framing
	left    int64 // of a body with a length
	rest    *buffer.Buffer
	own     buffer.Buffer
	chunks  *Chunks // made when the first chunked body comes: most connections never see one
	ahead   piece
	ended   bool
}

// piece is what one call of Chunks.Next found.
type piece struct {
	data  []byte
	found bool
	err   error
}

// Reset prepares for a body of the given framing. rest holds what came with
// the head, the head taken off.
func (r *BodyReader) Reset(framing message.Framing, length int64, rest *buffer.Buffer) {
	r.framing, r.left, r.rest = framing, length, rest
	r.ahead, r.ended = piece{}, framing == message.NoBody
	if framing == message.Stream {
		if r.chunks == nil {
			r.chunks = new(Chunks)
		}
		r.chunks.Reset()
	}
}

// Ended reports whether the body was read to its end.
func (r *BodyReader) Ended() bool {
	return r.ended && !r.ahead.found || r.framing == message.Length && r.left == 0
}

// Next returns the next piece of the body and reads from src when there is
// none at hand. It is valid until the next call.
func (r *BodyReader) Next(src io.Reader) ([]byte, error) {
	if r.Ended() {
		return nil, io.EOF
	}
	switch r.framing {
	case message.Length:
		p, err := r.plain(src, r.left)
		r.left -= int64(len(p))
		return p, unexpected(err)
	case message.Stream:
		return r.chunk(src)
	}
	p, err := r.plain(src, packet)
	r.ended = errors.Is(err, io.EOF)
	return p, err
}

// plain returns at most limit bytes as they come.
func (r *BodyReader) plain(src io.Reader, limit int64) ([]byte, error) {
	for _, b := range [...]*buffer.Buffer{r.rest, &r.own} {
		if n := min(int64(b.Len()), limit); n > 0 {
			return b.Take(int(n)), nil
		}
	}
	limit = min(limit, packet)
	r.own.Hold(int(limit))
	space := r.own.Space()
	n, err := src.Read(space[:min(int64(len(space)), limit)])
	if n > 0 {
		r.own.Added(n)
		return r.own.Take(n), nil
	}
	return nil, err
}

func (r *BodyReader) chunk(src io.Reader) ([]byte, error) {
	for !r.look() {
		if err := r.fill(src); err != nil {
			return nil, unexpected(err)
		}
	}
	p := r.ahead
	r.ahead = piece{}
	if r.ended && p.err == nil && len(p.data) == 0 {
		return nil, io.EOF
	}
	return p.data, p.err
}

// look decodes the next piece of what is at hand, once.
func (r *BodyReader) look() bool {
	if r.ahead.found {
		return true
	}
	window := r.rest
	if window.Len() == 0 {
		window = &r.own
	}
	data, n, done, err := r.chunks.Next(window.Bytes())
	window.Skip(n)
	r.ended = done
	r.ahead = piece{data: data, err: err, found: len(data) > 0 || done || err != nil}
	return r.ahead.found
}

// fill reads more of a chunked body behind what could not be decoded yet.
func (r *BodyReader) fill(src io.Reader) error {
	if n := r.rest.Len(); n > 0 {
		r.own.Hold(buffer.Large)
		r.own.Append(r.rest.Take(n))
	}
	r.own.Hold(packet)
	space := r.own.Space()
	n, err := src.Read(space[:min(len(space), packet)])
	r.own.Added(n)
	if n > 0 {
		return nil
	}
	return err
}

// Whole reports whether all of a body with a length is at hand, or was read.
func (r *BodyReader) Whole() bool {
	return r.ended || r.framing == message.Length && int64(r.rest.Len()+r.own.Len()) >= r.left
}

// Gather reads until all of a body with a length is at hand, so that Next
// returns every piece of it without reading. What was returned before stays
// valid. The length is for the caller to bound: memory for it is held.
func (r *BodyReader) Gather(src io.Reader) error {
	for !r.Whole() && r.framing == message.Length {
		b, missing := r.rest, int(r.left)-r.rest.Len()-r.own.Len()
		if r.own.Len() > 0 || !b.Held() || len(b.Space()) == 0 {
			b = &r.own
			b.Hold(int(r.left) - r.rest.Len())
		}
		space := b.Space()
		n, err := src.Read(space[:min(len(space), missing)])
		b.Added(n)
		if n == 0 && err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// Buffered reports whether Next would return without reading.
func (r *BodyReader) Buffered() bool {
	if r.Ended() {
		return true
	}
	if r.framing == message.Stream {
		return r.look()
	}
	return r.rest.Len() > 0 || r.own.Len() > 0
}

// Trailers returns the trailer fields of a body that ended.
func (r *BodyReader) Trailers() []message.Field {
	if r.framing != message.Stream {
		return nil
	}
	return r.chunks.Trailers()
}

// Leftover moves bytes that came after the body's end to rest, whose memory
// may move, and gives the rest of the memory back. It returns how many bytes
// rest then holds.
func (r *BodyReader) Leftover() int {
	if r.own.Len() > 0 {
		r.rest.Append(r.own.Bytes())
	}
	r.own.Release()
	return r.rest.Len()
}

// Release gives the reader's memory back, and what is unread with it.
func (r *BodyReader) Release() {
	r.ahead = piece{}
	r.own.Release()
}

// unexpected makes the end of a connection within a message an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
