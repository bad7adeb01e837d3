package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"poise/internal/socket"
)

// request is what is sent, made once but for the key.
type request struct {
	head  []byte // up to the last field
	tail  []byte // the empty line and the body
	keyed bool   // X-Key is sent, also key 0
	empty bool   // answers have no body, as they are to HEAD
}

func newRequest(o *Options, u *url.URL) *request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", o.Method, u.RequestURI())
	if !slices.ContainsFunc(o.Header, func(h string) bool { return len(h) > 5 && strings.EqualFold(h[:5], "host:") }) {
		fmt.Fprintf(&b, "Host: %s\r\n", u.Host)
	}
	for _, h := range o.Header {
		b.WriteString(strings.TrimSpace(h) + "\r\n")
	}
	if o.Body > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", o.Body)
	}
	return &request{
		head: b.Bytes(), tail: append([]byte("\r\n"), bytes.Repeat([]byte("x"), o.Body)...),
		keyed: o.Keys > 0, empty: o.Method == "HEAD",
	}
}

// client sends one request after the other on a connection that it keeps. It
// repeats nothing: what fails is what is measured.
type client struct {
	g   *generator
	ctx context.Context // of the run
	r   *bufio.Reader
	buf []byte

	idle time.Time // since when the connection waits

	mu   sync.Mutex // over c, which the end of the run closes
	c    wire
	stop func() bool
}

// newClient returns a client whose requests are given up when ctx is done. It
// must be ended.
func (g *generator) newClient(ctx context.Context) *client {
	c := &client{g: g, ctx: ctx}
	c.stop = context.AfterFunc(ctx, c.close)
	return c
}

// end closes the connection for good.
func (c *client) end() {
	c.stop()
	c.close()
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

// do makes one request.
func (c *client) do(j job) Result {
	result := Result{N: j.n, Due: j.due, Late: time.Since(j.due) > LateAfter}
	result.Fault = c.exchange(&j, &result)
	if result.Fault == None && result.Status >= 500 {
		result.Fault = Status
	}
	result.Latency = time.Since(j.due)
	return result
}

func (c *client) exchange(j *job, result *Result) Fault {
	deadline := time.Now().Add(c.g.options.Timeout)
	conn, err := c.connection(deadline)
	if err != nil {
		return faultOf(err, Connect)
	}
	_ = conn.SetDeadline(deadline)
	if _, err := conn.Write(c.message(j)); err != nil {
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
	c.idle = time.Now()
	return fault
}

// idleCheck is how long a connection may wait before it is looked at: what an
// endpoint closed for idleness meanwhile is no failure.
const idleCheck = time.Second

// connection returns the connection, opened when there is none.
func (c *client) connection(deadline time.Time) (wire, error) {
	c.mu.Lock()
	conn := c.c
	c.mu.Unlock()
	if conn != nil && time.Since(c.idle) > idleCheck && wasClosed(conn) {
		c.close()
		conn = nil
	}
	if conn != nil {
		return conn, nil
	}
	ctx, cancel := context.WithDeadline(c.ctx, deadline)
	defer cancel()
	conn, err := c.g.dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		_ = conn.Close()
		return nil, c.ctx.Err()
	}
	c.c, c.r = conn, bufio.NewReaderSize(conn, 16<<10)
	return conn, nil
}

// wire is a connection as a client uses it.
type wire interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// dial opens a connection, one that costs the generator as little as it can.
func (g *generator) dial(ctx context.Context) (wire, error) {
	conn, err := g.world.dial(ctx, "tcp", g.address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		return socket.New(tcp)
	}
	return conn, nil
}

// wasClosed reports whether the other side has closed, or sent what nobody
// asked for. It does not wait.
func wasClosed(w wire) bool {
	c, ok := w.(*socket.Conn)
	return ok && !c.Quiet()
}

func (c *client) message(j *job) []byte {
	r := c.g.request
	c.buf = append(c.buf[:0], r.head...)
	if r.keyed || j.key > 0 {
		c.buf = strconv.AppendUint(append(c.buf, "X-Key: "...), j.key, 10)
		c.buf = append(c.buf, "\r\n"...)
	}
	if j.work > 0 {
		c.buf = strconv.AppendInt(append(c.buf, "X-Work-Us: "...), j.work.Microseconds(), 10)
		c.buf = append(c.buf, "\r\n"...)
	}
	c.buf = append(c.buf, r.tail...)
	return c.buf
}

func faultOf(err error, otherwise Fault) Fault {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, errMalformed), errors.Is(err, bufio.ErrBufferFull):
		return Malformed
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
	case c.g.request.empty || h.status == 204 || h.status == 304:
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
			return h, faultOf(err, Cut)
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

var errMalformed = errors.New("malformed answer")

func (c *client) skipChunks() error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		size, err := strconv.ParseInt(string(digits), 16, 63)
		if err != nil || size < 0 {
			return errMalformed
		}
		if size == 0 {
			break
		}
		if _, err := io.CopyN(io.Discard, c.r, size); err != nil {
			return err
		}
		if line, err := c.line(); err != nil {
			return err
		} else if len(line) > 0 {
			return errMalformed
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
