package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// upgrade opens a tunnel, talks through it, and ends it well or with a reset.
// Workers know no tunnel: theirs is an ordinary answer, which is as good.
func (u *user) upgrade() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, get("Connection: upgrade\r\nUpgrade: echo\r\n")); err != nil {
		return err
	}
	r, err := http.ReadResponse(c.R, nil)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		return checked(r, string(body), err, func() bool { return work(string(body)) })
	}
	for i := range 5 {
		said := fmt.Sprintf("word %d\n", i)
		if _, err := io.WriteString(c, said); err != nil {
			return err
		}
		heard, err := c.R.ReadString('\n')
		if err != nil {
			return err
		}
		if heard != said {
			return fmt.Errorf("%w: said %q, heard %q", errWrong, said, heard)
		}
		time.Sleep(time.Duration(u.dice.IntN(100)) * time.Millisecond)
	}
	if u.dice.IntN(2) == 0 {
		c.Reset()
	}
	return nil
}

// abort leaves at any stage, with an end or with a reset.
func (u *user) abort() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	stages := []string{
		"", "GET /wo", get(""), get("")[:30],
		"POST /echo HTTP/1.1\r\nHost: soak\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("a", u.dice.IntN(90000)),
		"POST /echo?raw=1 HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n400\r\nhalf a chu",
	}
	_, _ = io.WriteString(c, stages[u.dice.IntN(len(stages))])
	time.Sleep(time.Duration(u.dice.IntN(20)) * time.Millisecond)
	if u.dice.IntN(2) == 0 {
		c.Reset()
	} else {
		c.Close()
	}
	return nil
}

// drip sends a byte every 50 ms, for at most 10 s.
func drip(c io.Writer, text string) {
	for i := range min(len(text), 200) {
		if _, err := io.WriteString(c, text[i:i+1]); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (u *user) slowHead() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	drip(c, get("X: "+strings.Repeat("x", 500)))
	r, body, err := c.Answer()
	return checked(r, body, err, func() bool { return false }) // it cannot have been answered
}

func (u *user) slowBody() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	const n = 100
	_, _ = fmt.Fprintf(c, "POST /echo HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n", n)
	drip(c, strings.Repeat("s", n))
	r, body, err := c.Answer()
	return checked(r, body, err, func() bool { return strings.Contains(body, `"body_bytes":100`) })
}

// slowReader asks for more than buffers hold, sending all of it, and does not
// read; it then sees the answer cut.
func (u *user) slowReader() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	const n = 16 << 20
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = fmt.Fprintf(c, "POST /echo?raw=1 HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n", n)
		_, _ = io.WriteString(c, strings.Repeat("r", n))
	}()
	time.Sleep(5 * time.Second)
	r, body, err := c.Answer()
	c.Close()
	<-sent
	return checked(r, body, err, func() bool { return body == strings.Repeat("r", n) })
}

// echoer is the endpoint that grants upgrades. To anything else it answers as
// a worker does.
type echoer struct {
	ln     net.Listener
	server *http.Server
	open   sync.WaitGroup
}

func newEchoer() *echoer {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	e := &echoer{ln: ln}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: patience}
	e.open.Go(func() { _ = e.server.Serve(ln) })
	return e
}

func (e *echoer) address() string { return e.ln.Addr().String() }

func (e *echoer) close() {
	_ = e.server.Close()
	e.open.Wait()
}

func (e *echoer) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	switch {
	case q.Header.Get("Upgrade") != "":
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(c, bufio.NewReader(rw))
	case q.URL.Query().Get("raw") != "":
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, q.Body)
	case q.URL.Path == "/echo":
		n, err := io.Copy(io.Discard, q.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprintf(w, `{"body_bytes":%d}`, n)
	default:
		_, _ = io.WriteString(w, strings.Repeat(".", 1000))
	}
}
