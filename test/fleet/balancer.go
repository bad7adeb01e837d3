package fleet

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// start is how long a process may take until it answers.
const start = 15 * time.Second

// Balancer is a running `poise serve` with an admin socket.
type Balancer struct {
	*Process
	Front  string // address of its listener
	Admin  string // address of its admin API
	File   string // its configuration
	Socket string // of its admin API
	api    *http.Client
}

// Setup says how a balancer is started.
type Setup struct {
	Binary   string
	Dir      string                           // for the file and the socket
	Front    string                           // host:port; "" means a free one on loopback
	Document func(front, admin string) string // the configuration; admin is what stands below admin:
	Prefix   []string                         // of the command, as in prlimit --nofile=256
}

// Serve starts a balancer and waits until it is ready.
func Serve(s Setup) (*Balancer, error) {
	b := &Balancer{Front: s.Front, Admin: FreeAddress(), File: filepath.Join(s.Dir, "poise.yaml"), Socket: filepath.Join(s.Dir, "admin.sock")}
	if b.Front == "" {
		b.Front = FreeAddress()
	}
	b.api = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", b.Socket)
		},
	}}
	admin := fmt.Sprintf("{address: %q, socket: %q}", b.Admin, b.Socket)
	if err := os.WriteFile(b.File, []byte(s.Document(b.Front, admin)), 0o644); err != nil {
		return nil, err
	}
	var err error
	if b.Process, err = Run(append(s.Prefix, s.Binary, "serve", "-c", b.File)...); err != nil {
		return nil, err
	}
	if !Within(start, func() bool { _, err := b.Get("/readyz"); return err == nil }) {
		_ = b.End(os.Kill)
		return nil, fmt.Errorf("poise serve is not ready after %v; it says\n%s", start, b.Log)
	}
	return b, nil
}

// Get calls the admin API and returns the answer's body.
func (b *Balancer) Get(path string) (string, error) { return b.call(http.MethodGet, path, "") }

// Put sends the admin API a JSON document.
func (b *Balancer) Put(path, body string) error {
	_, err := b.call(http.MethodPut, path, body)
	return err
}

func (b *Balancer) call(method, path, body string) (string, error) {
	return call(b.api, method, "http://poise"+path, body)
}

// Tell sends a worker new settings.
func Tell(worker, settings string) error {
	_, err := call(oneShot, http.MethodPut, "http://"+worker+"/control", settings)
	return err
}

// oneShot makes each request on a connection of its own.
var oneShot = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func call(c *http.Client, method, url, body string) (string, error) {
	q, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := c.Do(q)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %d %s", method, url, r.StatusCode, strings.TrimSpace(string(text)))
	}
	return string(text), err
}

// Worker starts a test worker on an address and waits until it answers.
func Worker(binary, address string, flags ...string) (*Process, error) {
	p, err := Run(append([]string{binary, "worker", "--listen", address}, flags...)...)
	if err != nil {
		return nil, err
	}
	up := func() bool {
		_, err := call(oneShot, http.MethodGet, "http://"+address+"/control", "")
		return err == nil
	}
	if !Within(start, up) {
		_ = p.End(os.Kill)
		return nil, fmt.Errorf("poise worker does not answer after %v; it says\n%s", start, p.Log)
	}
	return p, nil
}
