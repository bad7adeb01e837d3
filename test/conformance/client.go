package conformance

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"poise/test/conformance/strict"
)

// How long a client waits.
const (
	patience = 500 * time.Millisecond // for an answer, before it closes its sending side, and once more behind that
	settle   = 20 * time.Millisecond  // for what should not come
	grace    = 400 * time.Millisecond // for a connection to be closed
)

// Talk is what a client got.
type Talk struct {
	Answers []*strict.Message // final ones, whole
	Interim []int
	Hints   []*strict.Message // the interim ones
	Partial *strict.Message   // the last, when it never became whole
	Rest    string            // bytes that belong to no whole answer
	Fault   string            // why an answer is illegal or ambiguous
	Tunnel  string
	Closed  bool
	Reset   bool
	Raw     []byte
}

// client drives one connection.
type client struct {
	c      *Case
	nc     *net.TCPConn
	came   chan []byte
	have   []byte
	tunnel bool
	Talk
}

func dial(address string, c *Case) (*client, error) {
	nc, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return nil, err
	}
	k := &client{c: c, nc: nc.(*net.TCPConn), came: make(chan []byte, 1024)}
	go func() {
		defer close(k.came)
		for {
			buf := make([]byte, 32<<10)
			n, err := nc.Read(buf)
			if n > 0 {
				k.came <- buf[:n]
			}
			if err != nil {
				if errors.Is(err, syscall.ECONNRESET) {
					k.came <- nil
				}
				return
			}
		}
	}()
	return k, nil
}

func (k *client) close() {
	k.nc.Close()
	for range k.came {
	}
}

// pump reads until enough says so, the proxy closes, or d is over.
func (k *client) pump(d time.Duration, enough func() bool) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	for !k.Closed && !enough() {
		select {
		case b, open := <-k.came:
			switch {
			case !open:
				k.Closed = true
			case b == nil:
				k.Reset = true
			}
			k.Raw = append(k.Raw, b...)
			k.have = append(k.have, b...)
			k.read()
		case <-over.C:
			return false
		}
	}
	return enough()
}

// read takes answers off what is there.
func (k *client) read() {
	for k.Fault == "" {
		if k.tunnel {
			k.Tunnel += string(k.have)
			k.have = nil
		}
		if len(k.have) == 0 {
			return
		}
		m, n, err := strict.Answer(k.have, strict.Context{Method: k.c.method(len(k.Answers)), Closed: k.Closed && !k.Reset})
		k.Partial = nil
		switch {
		case errors.Is(err, strict.ErrMore):
			k.Partial = m
			return
		case err != nil:
			k.Fault = err.Error()
			return
		}
		k.have = k.have[n:]
		if m.Status < 200 && m.Status != 101 {
			k.Interim, k.Hints = append(k.Interim, m.Status), append(k.Hints, m)
			continue
		}
		k.tunnel = m.Status == 101
		k.Answers = append(k.Answers, m)
	}
}

// play does what the case says and returns what came of it.
func (k *client) play() {
	for _, s := range k.c.Send {
		if s.Await > 0 {
			k.pump(patience, func() bool { return len(k.Interim)+len(k.Answers) >= s.Await })
		}
		if s.If == Told && len(k.Interim) == 0 || s.If == Unanswered && len(k.Interim)+len(k.Answers) > 0 {
			continue
		}
		if s.Pause > 0 {
			k.pump(s.Pause, never)
		}
		_ = k.nc.SetWriteDeadline(time.Now().Add(2 * time.Second))
		_, _ = io.WriteString(k.nc, s.Bytes)
		switch s.End {
		case HalfClose:
			_ = k.nc.CloseWrite()
		case Reset:
			_ = k.nc.SetLinger(0)
			k.nc.Close()
		}
	}
	enough := func() bool { return len(k.Answers) >= k.c.answers() || k.Fault != "" }
	wait := patience
	if k.c.Group == InPieces { // an answer byte by byte takes its time on a busy machine
		wait *= 10
	}
	if !k.pump(wait, enough) && !k.Closed {
		_ = k.nc.CloseWrite()
		k.pump(patience, enough)
	}
	rest := settle
	if w := &k.c.Want; w.Refuse > 0 && !w.Open || w.Get != nil && w.Get.End == "closed" || k.c.Tunnel {
		rest = grace
	}
	k.pump(rest, func() bool { return k.c.Tunnel && k.c.Want.Get != nil && len(k.Tunnel) >= len(k.c.Want.Get.Tunnel) })
	k.Rest = string(k.have)
}

func never() bool { return false }

// follow sends one more request, on the same connection while it is open, and
// says what is wrong with the answer.
func (k *client) follow(address string) string {
	const request = "GET /follow HTTP/1.1\r\nHost: follow\r\n\r\n"
	if k.c.Group == BadRequest || k.c.Alone || k.Closed || len(k.have) > 0 || k.tunnel {
		next, err := dial(address, &Case{Send: say(request)})
		if err != nil {
			return err.Error()
		}
		defer next.close()
		next.play()
		return next.followed(0)
	}
	before := len(k.Answers)
	_, _ = io.WriteString(k.nc, request)
	k.pump(patience, func() bool { return len(k.Answers) > before || k.Fault != "" })
	k.pump(settle, never)
	if len(k.Answers) == before && k.Fault == "" && len(k.have) == 0 { // it closed meanwhile, as it may
		k.Closed = true
		return k.follow(address)
	}
	return k.followed(before)
}

func (k *client) followed(before int) string {
	switch {
	case k.Fault != "":
		return "the next answer: " + k.Fault
	case len(k.Answers) != before+1:
		return "the next request was not answered once"
	case !strings.HasPrefix(string(k.Answers[before].Body), "seen GET /follow"):
		return "the next request got the answer " + string(k.Answers[before].Body[:min(60, len(k.Answers[before].Body))])
	case len(k.have) > 0:
		return "bytes behind the next answer"
	}
	return ""
}
