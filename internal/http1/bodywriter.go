package http1

import (
	"errors"
	"io"

	"poise/internal/buffer"
	"poise/internal/message"
)

// Errors of a body that does not match its announcement.
var (
	ErrBodyTooLong  = errors.New("the body is longer than its head announced")
	ErrBodyTooShort = errors.New("the body is shorter than its head announced")
)

// Wire is a connection to write to.
type Wire interface {
	io.Writer
	// WriteTwo writes a and then b, in one system call where it can.
	WriteTwo(a, b []byte) error
}

// BodyWriter puts a message on a connection: small pieces are gathered behind
// the head and leave with it, large ones are written from where they are.
type BodyWriter struct {
	Out     buffer.Out // the caller appends heads
	framing message.Framing
	left    int64
}

var crlf = []byte("\r\n")

// Reset prepares for the body of the head that was just appended to Out.
func (w *BodyWriter) Reset(framing message.Framing, length int64) {
	w.framing, w.left = framing, length
}

// Write queues or writes p.
func (w *BodyWriter) Write(dst Wire, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	switch w.framing {
	case message.NoBody:
		return ErrBodyTooLong
	case message.Length:
		if w.left -= int64(len(p)); w.left < 0 {
			return ErrBodyTooLong
		}
	case message.Stream:
		w.Out.Bytes = AppendChunkSize(w.Out.Open(), len(p))
		err := w.put(dst, p)
		w.Out.Append(crlf)
		return err
	}
	return w.put(dst, p)
}

func (w *BodyWriter) put(dst Wire, p []byte) error {
	if w.Out.Fits(len(p)) {
		w.Out.Append(p)
		return nil
	}
	err := dst.WriteTwo(w.Out.Bytes, p)
	w.Out.Empty()
	return err
}

// Flush writes what is queued.
func (w *BodyWriter) Flush(dst Wire) error {
	if len(w.Out.Bytes) == 0 {
		return nil
	}
	_, err := dst.Write(w.Out.Bytes)
	w.Out.Empty()
	return err
}

// Complete reports whether everything of the message is queued, but for what
// Finish adds.
func (w *BodyWriter) Complete() bool {
	return w.framing == message.NoBody || w.framing == message.Length && w.left == 0
}

// Finish ends the body and flushes.
func (w *BodyWriter) Finish(dst Wire, trailers []message.Field) error {
	switch w.framing {
	case message.Length:
		if w.left > 0 {
			return ErrBodyTooShort
		}
	case message.Stream:
		w.Out.Bytes = AppendLastChunk(w.Out.Open(), trailers)
	}
	return w.Flush(dst)
}
