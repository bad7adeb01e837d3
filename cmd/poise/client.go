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
	token   string
}

// addClientFlags gives a command the flags that say which Poise it talks to.
func addClientFlags(c *cobra.Command) *client {
	k := &client{}
	c.Flags().StringVar(&k.address, "admin", "127.0.0.1:9900", "admin address of the running poise: host:port, or the path of its socket")
	c.Flags().StringVar(&k.token, "token", os.Getenv("POISE_TOKEN"), "admin token; POISE_TOKEN when not given")
	return k
}

func (k *client) http() (*http.Client, string) {
	t := &http.Transport{DisableKeepAlives: true}
	base := "http://" + k.address
	if strings.HasPrefix(k.address, "/") || strings.HasPrefix(k.address, "./") {
		base = "http://localhost"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", k.address)
		}
	}
	return &http.Client{Transport: t, Timeout: 10 * time.Second}, base
}

// call makes a call and decodes its answer into v, when v is given.
func (k *client) call(ctx context.Context, method, path string, body, v any) error {
	answer, err := k.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		return refused(answer)
	}
	if v == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(v)
}

func (k *client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	h, base := k.http()
	q, err := http.NewRequestWithContext(ctx, method, base+path, payload)
	if err != nil {
		return nil, usageError{fmt.Errorf("--admin %s is no address: %w", k.address, err)}
	}
	if body != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if k.token != "" {
		q.Header.Set("Authorization", "Bearer "+k.token)
	}
	answer, err := h.Do(q)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) {
		return nil, fmt.Errorf("no poise answers on %s; start one with `poise serve`, or name another with --admin", k.address)
	}
	return answer, err
}

// refused is what the API said when it did not do a call.
func refused(answer *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	var p admin.Problem
	if json.Unmarshal(b, &p) != nil || p.Detail == "" {
		return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(b)))
	}
	lines := []string{p.Detail}
	for _, e := range p.Errors {
		lines = append(lines, e.Detail)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func clusterPath(name string) string { return "/api/v1/clusters/" + url.PathEscape(name) }
