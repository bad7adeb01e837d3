package http1

import "poise/internal/message"

// Bounds of the chunked coding, in bytes and fields.
const (
	mostChunkLine  = 4 << 10 // a size line with its extensions
	mostTrailer    = 16 << 10
	mostTrailers   = 64
	mostSizeDigits = 16
)

// Chunks takes the chunked coding off a body (RFC 9112 section 7.1). The zero
// value is ready.
type Chunks struct {
	stage  chunkStage
	size   int64 // of the chunk's data that is still to come
	digits int
	line   int // bytes of the size line so far

	parser  HeadParser // reads the trailer section
	section []byte     // the trailer section, in memory of its own
	head    message.Head
}

type chunkStage uint8

const (
	inSize  chunkStage = iota
	inBlank            // between size and extension, where old senders put white space
	inExtension
	sizeLF
	inData
	dataCR
	dataLF
	inTrailer
)

// Reset makes c ready for the next body.
func (c *Chunks) Reset() {
	c.stage, c.size, c.digits, c.line = inSize, 0, 0, 0
	c.section = c.section[:0]
	c.head.Fields = c.head.Fields[:0]
	c.parser.Reset()
}

// Next returns the next piece of data, a part of src, and how many bytes of
// src are used up, the data included. With no data, no error and not done it
// needs more bytes; what lies beyond src[n:] must come again in front of
// them. done is true once the trailer section has ended. An error wraps
// ErrMalformed.
func (c *Chunks) Next(src []byte) (data []byte, n int, done bool, err error) {
	for n < len(src) {
		switch c.stage {
		case inData:
			data = src[n:]
			if int64(len(data)) > c.size {
				data = data[:c.size]
			}
			n += len(data)
			if c.size -= int64(len(data)); c.size == 0 {
				c.stage = dataCR
			}
			return data, n, false, nil
		case inTrailer:
			used, ended, r := c.trailer(src[n:])
			if r != nil {
				return nil, n, false, (*malformed)(r)
			}
			return nil, n + used, ended, nil
		}
		if r := c.octet(src[n]); r != nil {
			return nil, n, false, (*malformed)(r)
		}
		n++
	}
	return nil, n, false, nil
}

// octet takes in one byte of what frames the data.
func (c *Chunks) octet(b byte) *message.Refusal {
	switch c.stage {
	case inSize:
		return c.sizeOctet(b)
	case inBlank:
		return c.blankOctet(b)
	case inExtension:
		return c.extensionOctet(b)
	case sizeLF:
		if b != '\n' {
			return errChunkLineEnd
		}
		c.stage = inData
		if c.size == 0 {
			c.stage = inTrailer
		}
		c.digits, c.line = 0, 0
	case dataCR:
		if b != '\r' {
			return errChunkEnd
		}
		c.stage = dataLF
	case dataLF:
		if b != '\n' {
			return errChunkEnd
		}
		c.stage = inSize
	}
	return nil
}

func (c *Chunks) sizeOctet(b byte) *message.Refusal {
	if !is(isHex, b) {
		if c.digits == 0 {
			return errChunkSize
		}
		return c.afterSize(b)
	}
	if c.digits++; c.digits > mostSizeDigits || c.size > 1<<59-1 {
		return errChunkSize
	}
	c.size = c.size<<4 | int64(hexValue(b))
	return nil
}

func (c *Chunks) afterSize(b byte) *message.Refusal {
	switch b {
	case '\r':
		c.stage = sizeLF
	case ';':
		c.stage = inExtension
	case ' ', '\t':
		c.stage = inBlank
	case '\n':
		return errChunkLineEnd
	default:
		return errChunkSize
	}
	return nil
}

// blankOctet drops white space, which means nothing in front of an extension
// (RFC 9110 section 5.6.3) and is refused everywhere else.
func (c *Chunks) blankOctet(b byte) *message.Refusal {
	switch b {
	case ';':
		c.stage = inExtension
		return nil
	case ' ', '\t':
		if c.line++; c.line > mostChunkLine {
			return errChunkLineLong
		}
		return nil
	}
	return errChunkSize
}

// extensionOctet drops an extension: nobody between the two ends may use it.
func (c *Chunks) extensionOctet(b byte) *message.Refusal {
	if b == '\r' {
		c.stage = sizeLF
		return nil
	}
	if b < ' ' && b != '\t' || b == 0x7f {
		return errChunkLineEnd
	}
	if c.line++; c.line > mostChunkLine {
		return errChunkLineLong
	}
	return nil
}

func hexValue(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b <= 'F':
		return b - 'A' + 10
	}
	return b - 'a' + 10
}

// trailer takes in bytes of the trailer section, which is parsed like the
// fields of a head. All that belong to it are used up.
func (c *Chunks) trailer(src []byte) (used int, ended bool, r *message.Refusal) {
	had := len(c.section)
	if had == 0 && len(src) >= 2 && src[0] == '\r' && src[1] == '\n' { // nearly always
		return 2, true, nil
	}
	if cap(c.section)-had < len(src) {
		c.parser.Reset() // memory moves
	}
	c.section = append(c.section, src[:min(len(src), mostTrailer+1-had)]...)
	if c.parser.stage == fresh {
		c.parser.begin(inName, trailer, Limits{HeaderBytes: mostTrailer, Fields: mostTrailers})
		c.parser.startFields(0)
		c.head.Reset()
	}
	switch r = c.parser.fields(c.section, &c.head); r {
	case nil:
		return c.parser.at - had, true, nil
	case more:
		return len(c.section) - had, false, nil
	case errHeaderTooLarge:
		return 0, false, errTrailerLarge
	case errTooManyFields:
		return 0, false, errTrailerMany
	}
	return 0, false, r
}

// Trailers returns the trailer fields of a body that is done, valid until
// Reset.
func (c *Chunks) Trailers() []message.Field { return c.head.Fields }
