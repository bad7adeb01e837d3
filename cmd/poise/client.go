package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"poise/internal/admin"
)

// client talks to the admin API of a running Poise.
type client struct {
	address string // host:port, or the path of a Unix socket
	token   string // "" means that of the environment
}

// tokenVariable holds the token where no flag gives one: what is on a command
// line, every user of the machine can read.
const tokenVariable = "POISE_TOKEN"

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 64 << 20

// addClientFlags gives a command the flags that say which Poise it talks to.
func addClientFlags(c *cobra.Command) *client {
	k := &client{}
	c.Flags().StringVar(&k.address, "admin", "127.0.0.1:9900", "admin address of the running poise: host:port, or the path of its socket")
	c.Flags().StringVar(&k.token, "token", "", "admin token; "+tokenVariable+" when not given")
	return k
}

// dial returns a client, and what the addresses of its calls begin with.
func (k *client) dial() (*http.Client, string) {
	t := &http.Transport{DisableKeepAlives: true}
	h := &http.Client{Transport: t}
	address := strings.TrimSuffix(strings.TrimPrefix(k.address, "http://"), "/")
	if strings.Contains(address, ":") && !strings.Contains(address, "/") {
		if strings.HasPrefix(address, ":") {
			address = "localhost" + address
		}
		return h, "http://" + address
	}
	t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", address)
	}
	return h, "http://localhost"
}

// call makes a call and decodes its answer into v, when v is given.
func (k *client) call(ctx context.Context, method, path string, body, v any) error {
	answer, err := k.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		return k.refused(answer)
	}
	if v == nil {
		return nil
	}
	if json.NewDecoder(io.LimitReader(answer.Body, mostAnswer)).Decode(v) != nil {
		return k.stranger()
	}
	return nil
}

// open asks for a stream of events, whose answer goes on until ctx is done,
// beginning behind the event with the id last; "" for the next.
func (k *client) open(ctx context.Context, path, last string) (*http.Response, error) {
	h, q, err := k.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if last != "" {
		q.Header.Set("Last-Event-ID", last)
	}
	return k.do(h, q)
}

func (k *client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	h, q, err := k.request(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	h.Timeout = callTime
	return k.do(h, q)
}

// callTime is how long a call may take.
const callTime = 10 * time.Second

// request prepares a call, with the token where there is one.
func (k *client) request(ctx context.Context, method, path string, body any) (*http.Client, *http.Request, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, nil, err
		}
		payload = bytes.NewReader(b)
	}
	h, base := k.dial()
	q, err := http.NewRequestWithContext(ctx, method, base+path, payload)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--admin %s is no address; give host:port, or the path of a socket", k.address)}
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	token := k.token
	if token == "" {
		token = os.Getenv(tokenVariable)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	return h, q, nil
}

// do sends a call. Errors say what to do about them.
func (k *client) do(h *http.Client, q *http.Request) (*http.Response, error) {
	answer, err := h.Do(q)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return nil, fmt.Errorf("no poise answers on %s; start one with `poise serve`, or name another with --admin", k.address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s may only be opened by the user that runs poise; run this as that user", k.address)
	}
	return answer, err
}

// refused is what the API said when it did not do a call.
func (k *client) refused(answer *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	var p admin.Problem
	if json.Unmarshal(b, &p) != nil || p.Detail == "" {
		return k.stranger()
	}
	if answer.StatusCode == http.StatusUnauthorized {
		p.Detail = fmt.Sprintf("%s wants its admin.token; give it in %s or with --token", k.address, tokenVariable)
	}
	lines := []string{p.Detail}
	for _, e := range p.Errors {
		lines = append(lines, e.Detail)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (k *client) stranger() error {
	return fmt.Errorf("what answers on %s is not the API of poise; name its admin address with --admin", k.address)
}

func clusterPath(name string) string { return "/api/v1/clusters/" + url.PathEscape(name) }
