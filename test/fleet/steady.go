package fleet

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Steady are clients that behave: each keeps its connection and asks every so
// often. Whatever others do to the balancer, these must be served.
type Steady struct {
	Asked  atomic.Int64
	failed atomic.Int64
	front  string
	path   string
	every  time.Duration
	stop   chan struct{}
	all    sync.WaitGroup

	mu    sync.Mutex
	first error
}

// patience bounds one request of a client that behaves.
const patience = 10 * time.Second

// Behave starts clients that ask for a path, and returns when each has had an
// answer or a failure.
func Behave(front, path string, clients int, every time.Duration) *Steady {
	s := &Steady{front: front, path: path, every: every, stop: make(chan struct{})}
	var begun sync.WaitGroup
	for i := range clients {
		begun.Add(1)
		s.all.Go(func() { s.client(time.Duration(i)*every/time.Duration(clients), begun.Done) })
	}
	begun.Wait()
	return s
}

// Stop ends the clients. The error says how many requests failed, and how the
// first did.
func (s *Steady) Stop() error {
	close(s.stop)
	s.all.Wait()
	if n := s.failed.Load(); n > 0 {
		return fmt.Errorf("%d of %d requests of clients that behave failed, the first by: %w", n, s.Asked.Load(), s.first)
	}
	if s.Asked.Load() == 0 {
		return fmt.Errorf("clients that behave asked nothing")
	}
	return nil
}

func (s *Steady) client(later time.Duration, begun func()) {
	var c *Client
	defer func() { c.Close() }()
	for first := true; ; first = false {
		var err error
		if c == nil {
			c, err = Dial(s.front)
		}
		if err == nil {
			err = s.ask(c)
		}
		s.Asked.Add(1)
		if err != nil {
			s.note(err)
			c.Close()
			c = nil
		}
		pause := s.every
		if first {
			begun()
			pause += later
		}
		select {
		case <-s.stop:
			return
		case <-time.After(pause):
		}
	}
}

func (s *Steady) ask(c *Client) error {
	_ = c.SetDeadline(time.Now().Add(patience))
	r, body, err := c.Ask("GET " + s.path + " HTTP/1.1\r\nHost: steady\r\n\r\n")
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %q", r.Status, body)
	}
	return err
}

func (s *Steady) note(err error) {
	s.failed.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first = err
	}
}

// Client is a connection to a balancer on which everything may be said.
type Client struct {
	net.Conn
	R *bufio.Reader
}

// Dial connects to an address.
func Dial(address string) (*Client, error) { return DialFrom("", address) }

// DialFrom connects from an address of this machine; "" leaves the choice to
// the kernel.
func DialFrom(source, address string) (*Client, error) {
	d := net.Dialer{Timeout: patience, KeepAlive: -1}
	if source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	c, err := d.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Client{c, bufio.NewReaderSize(c, 512)}, nil
}

// Close closes the connection, if there is one.
func (c *Client) Close() {
	if c != nil {
		_ = c.Conn.Close()
	}
}

// Reset ends the connection with a reset in place of a proper end.
func (c *Client) Reset() {
	_ = c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// Ask says something and reads an answer to a GET.
func (c *Client) Ask(text string) (*http.Response, string, error) {
	if _, err := io.WriteString(c, text); err != nil {
		return nil, "", err
	}
	return c.Answer()
}

// Answer reads an answer to a GET, whole.
func (c *Client) Answer() (*http.Response, string, error) {
	r, err := http.ReadResponse(c.R, nil)
	if err != nil {
		return nil, "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return r, string(body), err
}
