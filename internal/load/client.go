package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// request is what is sent, made once but for the key.
type request struct {
	head []byte // up to the last field
	tail []byte // the empty line and the body
	get  string
	keys func(*rand.Rand) uint64 // nil for none
}

func newRequest(o *Options, u *url.URL) *request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", o.Method, u.RequestURI(), u.Host)
	for _, h := range o.Header {
		b.WriteString(strings.TrimSpace(h) + "\r\n")
	}
	if o.Body > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", o.Body)
	}
	r := &request{head: b.Bytes(), tail: append([]byte("\r\n"), bytes.Repeat([]byte("x"), o.Body)...)}
	r.get = o.Method
	switch {
	case o.Keys > 0 && o.Zipf > 1:
		r.keys = func(d *rand.Rand) uint64 { return rand.NewZipf(d, o.Zipf, 1, uint64(o.Keys-1)).Uint64() }
	case o.Keys > 0:
		r.keys = func(d *rand.Rand) uint64 { return d.Uint64N(uint64(o.Keys)) }
	}
	return r
}

// client sends one request after the other on a connection that it keeps. It
// repeats nothing: what fails is what is measured.
type client struct {
	g    *generator
	dice *rand.Rand
	c    net.Conn
	r    *bufio.Reader
	buf  []byte
}

func (g *generator) newClient(number uint64) *client {
	return &client{g: g, dice: rand.New(rand.NewPCG(g.options.Seed, number+2))}
}

func (c *client) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

// do makes one request that is due at a moment.
func (c *client) do(due time.Time) Result {
	result := Result{Due: due, Late: time.Since(due) > LateAfter}
	result.Fault = c.exchange(&result)
	if result.Fault == None && result.Status >= 500 {
		result.Fault = Status
	}
	result.Latency = time.Since(due)
	return result
}

func (c *client) exchange(result *Result) Fault {
	deadline := time.Now().Add(c.g.options.Timeout)
	if c.c == nil {
		d := net.Dialer{Deadline: deadline}
		conn, err := d.Dial("tcp", c.g.address)
		if err != nil {
			return faultOf(err, Connect)
		}
		c.c, c.r = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	_ = c.c.SetDeadline(deadline)
	if _, err := c.c.Write(c.message()); err != nil {
		// The answer may have come before the connection went.
		if _, peekErr := c.r.Peek(1); peekErr != nil {
			c.close()
			return faultOf(err, Reset)
		}
	}
	keep, fault := c.answer(result)
	if fault != None || !keep {
		c.close()
	}
	return fault
}

func (c *client) message() []byte {
	r := c.g.request
	c.buf = append(c.buf[:0], r.head...)
	if r.keys != nil {
		c.buf = strconv.AppendUint(append(c.buf, "X-Key: "...), r.keys(c.dice), 10)
		c.buf = append(c.buf, "\r\n"...)
	}
	c.buf = append(c.buf, r.tail...)
	return c.buf
}

func faultOf(err error, otherwise Fault) Fault {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return Timeout
	}
	return otherwise
}

// head is what an answer's head says.
type head struct {
	status  int
	length  int64 // -1 when not announced
	chunked bool
	closes  bool
}

// answer reads one final answer and reports whether the connection can be
// used again.
func (c *client) answer(result *Result) (keep bool, fault Fault) {
	h := head{}
	for h.status < 200 { // interim answers come first
		if h, fault = c.head(result); fault != None {
			return false, fault
		}
	}
	result.Status = h.status
	var err error
	switch {
	case c.g.request.get == "HEAD" || h.status == 204 || h.status == 304:
	case h.chunked:
		err = c.skipChunks()
	case h.length >= 0:
		_, err = io.CopyN(io.Discard, c.r, h.length)
	default:
		_, err = io.Copy(io.Discard, c.r)
		h.closes = true
	}
	if err != nil {
		return false, faultOf(err, Cut)
	}
	return !h.closes, None
}

func (c *client) head(result *Result) (head, Fault) {
	h := head{length: -1}
	line, err := c.line()
	if err != nil {
		return h, faultOf(err, Reset)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return h, Malformed
	}
	h.status, _ = strconv.Atoi(string(line[9:12]))
	h.closes = line[7] == '0'
	if h.status < 100 {
		return h, Malformed
	}
	for {
		line, err := c.line()
		if err != nil {
			return h, faultOf(err, Reset)
		}
		if len(line) == 0 {
			return h, None
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return h, Malformed
		}
		if !h.field(name, bytes.TrimSpace(value), result) {
			return h, Malformed
		}
	}
}

// field takes in what matters of a field.
func (h *head) field(name, value []byte, result *Result) bool {
	var err error
	switch len(name) {
	case len("x-worker"):
		if bytes.EqualFold(name, []byte("x-worker")) {
			result.Worker = intern(value)
		}
	case len("connection"):
		if bytes.EqualFold(name, []byte("connection")) && bytes.EqualFold(value, []byte("close")) {
			h.closes = true
		}
	case len("content-length"):
		if bytes.EqualFold(name, []byte("content-length")) {
			h.length, err = strconv.ParseInt(string(value), 10, 64)
		}
	case len("transfer-encoding"):
		if bytes.EqualFold(name, []byte("transfer-encoding")) {
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	return err == nil && h.length >= -1
}

// intern keeps short names from being made anew for every answer.
func intern(name []byte) string {
	if len(name) == 1 && name[0] >= '0' && name[0] <= 'z' {
		const all = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz"
		i := int(name[0] - '0')
		return all[i : i+1]
	}
	return string(name)
}

var errBadChunk = errors.New("bad chunk")

func (c *client) skipChunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(digits), 16, 63)
		if err != nil || size < 0 {
			return errBadChunk
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
			return err
		}
		if line, err := c.line(); err != nil || len(line) > 0 {
			return errBadChunk
		}
	}
	for { // trailers
		line, err := c.line()
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// line returns the next line without its end; the end of the connection
// within one is an error.
func (c *client) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}
