package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"poise/test/fleet"
)

// A kind is one way to use the balancer.
type kind struct {
	name  string
	rate  float64 // times a second
	use   func(*user) error
	tries int // requests in one
}

var kinds = []kind{
	{"keep-alive", 100, (*user).keepAlive, 1},
	{"new connection", 20, (*user).newConnection, 1},
	{"upload 64 KiB", 5, (*user).upload, 1},
	{"chunked echo 32 KiB", 5, (*user).chunked, 1},
	{"download 4 MiB", 1, (*user).download, 1},
	{"10 pipelined", 2, (*user).pipelined, 10},
	{"upgrade", 2, (*user).upgrade, 1},
	{"abort", 10, (*user).abort, 1},
	{"slow head", 1, (*user).slowHead, 1},
	{"slow body", 1, (*user).slowBody, 1},
	{"slow reader", 0.5, (*user).slowReader, 1},
}

// Count is what came of one kind.
type Count struct {
	Begun   int `json:"begun"`
	Good    int `json:"good"`
	Refused int `json:"refused"` // 5xx or 4xx, said so
	Broken  int `json:"broken"`  // cut or reset, seen as such
	Wrong   int `json:"wrong"`   // looked whole and was not what was asked for
}

var (
	errRefused = errors.New("refused")
	errWrong   = errors.New("wrong")
)

type traffic struct {
	front string
	seed  uint64

	mu    sync.Mutex
	all   map[string]*Count
	first string // what was wrong first
}

func newTraffic(front string, seed uint64) *traffic {
	t := &traffic{front: front, seed: seed, all: map[string]*Count{}}
	for _, k := range kinds {
		t.all[k.name] = &Count{}
	}
	return t
}

func (t *traffic) counts() map[string]*Count { return t.all }

// start begins all kinds; the function that it returns ends them and waits.
func (t *traffic) start() (stop func()) {
	end := make(chan struct{})
	var all sync.WaitGroup
	kept := make(chan *fleet.Client, 16)
	for i, k := range kinds {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(t.seed, uint64(i)+100))
			tick := time.NewTicker(time.Duration(float64(time.Second) / k.rate))
			defer tick.Stop()
			for {
				select {
				case <-end:
					return
				case <-tick.C:
				}
				u := &user{front: t.front, dice: rand.New(rand.NewPCG(dice.Uint64(), 0)), kept: kept}
				all.Go(func() { t.note(k.name, k.use(u)) })
			}
		})
	}
	return func() {
		close(end)
		all.Wait()
		for len(kept) > 0 {
			(<-kept).Close()
		}
	}
}

func (t *traffic) note(name string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.all[name]
	c.Begun++
	switch {
	case err == nil:
		c.Good++
	case errors.Is(err, errWrong):
		c.Wrong++
		if t.first == "" {
			t.first = name + ": " + err.Error()
			fmt.Println(t.first)
		}
	case errors.Is(err, errRefused):
		c.Refused++
	default:
		c.Broken++
	}
}

// user is one use.
type user struct {
	front string
	dice  *rand.Rand
	kept  chan *fleet.Client // connections that wait
}

const patience = 20 * time.Second

func (u *user) dial() (*fleet.Client, error) {
	c, err := fleet.Dial(u.front)
	if err == nil {
		_ = c.SetDeadline(time.Now().Add(patience))
	}
	return c, err
}

// checked says what an answer of 200 must be like.
func checked(r *http.Response, body string, err error, ok func() bool) error {
	switch {
	case err != nil:
		return err
	case r.StatusCode >= 400:
		return fmt.Errorf("%w: %d %s", errRefused, r.StatusCode, r.Header.Get("Poise-Error"))
	case !ok():
		return fmt.Errorf("%w: %d with %d bytes", errWrong, r.StatusCode, len(body))
	}
	return nil
}

// once makes a request on a connection of its own.
func (u *user) once(text string, ok func(body string) bool) error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	r, body, err := c.Ask(text)
	return checked(r, body, err, func() bool { return ok(body) })
}

func get(fields string) string {
	return "GET /work HTTP/1.1\r\nHost: soak\r\n" + fields + "\r\n"
}

func work(body string) bool { return len(body) == 1000 && strings.Trim(body, ".") == "" }

// keepAlive takes a connection that waits, and gives it back.
func (u *user) keepAlive() error {
	var c *fleet.Client
	select {
	case c = <-u.kept:
		_ = c.SetDeadline(time.Now().Add(patience))
	default:
		var err error
		if c, err = u.dial(); err != nil {
			return err
		}
	}
	r, body, err := c.Ask(get(fmt.Sprintf("X-Key: %d\r\n", u.dice.IntN(100))))
	if err != nil || r.Close {
		c.Close()
		return checked(r, body, err, func() bool { return work(body) })
	}
	select {
	case u.kept <- c:
	default:
		c.Close()
	}
	return checked(r, body, err, func() bool { return work(body) })
}

func (u *user) newConnection() error { return u.once(get(""), work) }

func (u *user) upload() error {
	const n = 64 << 10
	return u.once(fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("u", n)),
		func(body string) bool { return strings.Contains(body, fmt.Sprintf(`"body_bytes":%d`, n)) })
}

func (u *user) chunked() error {
	chunk := strings.Repeat(string(rune('a'+u.dice.IntN(26))), 1<<10)
	return u.once("POST /echo?raw=1 HTTP/1.1\r\nHost: soak\r\nTransfer-Encoding: chunked\r\n\r\n"+
		strings.Repeat("400\r\n"+chunk+"\r\n", 32)+"0\r\n\r\n", func(body string) bool { return body == strings.Repeat(chunk, 32) })
}

// download has a large body echoed, sending and reading at once.
func (u *user) download() error {
	const n = 4 << 20
	c, err := u.dial()
	if err != nil {
		return err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = fmt.Fprintf(c, "POST /echo?raw=1 HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n", n)
		_, _ = io.WriteString(c, strings.Repeat("d", n))
	}()
	r, body, err := c.Answer()
	c.Close()
	<-sent
	return checked(r, body, err, func() bool { return body == strings.Repeat("d", n) })
}

func (u *user) pipelined() error {
	c, err := u.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, strings.Repeat(get(""), 10)); err != nil {
		return err
	}
	for range 10 {
		r, body, err := c.Answer()
		if err := checked(r, body, err, func() bool { return work(body) }); err != nil {
			return err
		}
	}
	return nil
}
