package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// Statuses are ranges of statuses, both ends included.
type Statuses [][2]int

func (s Statuses) has(status int) bool {
	for _, r := range s {
		if status >= r[0] && status <= r[1] {
			return true
		}
	}
	return false
}

// TCP connects, and that is all.
func TCP() Check {
	return func(ctx context.Context, address string) error {
		c, err := dial(ctx, address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1} // which costs four calls, for a connection of milliseconds
	c, err := d.DialContext(ctx, "tcp", address)
	return c, inWords(ctx, err)
}

// inWords makes an error one that an operator understands at a glance.
func inWords(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < time.Second {
			return errors.New("no answer in time")
		}
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("connection refused")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("closed the connection without an answer")
	}
	return err
}

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 64 << 10

// HTTP gets a path, on a connection of its own so that a check tells whether
// new connections can be made.
func HTTP(path string, expect Statuses) Check {
	return func(ctx context.Context, address string) error {
		c, err := dial(ctx, address)
		if err != nil {
			return err
		}
		defer c.Close()
		if deadline, ok := ctx.Deadline(); ok {
			_ = c.SetDeadline(deadline)
		}
		stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		defer stop()
		_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: poise-health\r\nAccept: */*\r\nConnection: close\r\n\r\n", path, address)
		if err != nil {
			return inWords(ctx, err)
		}
		status, err := finalStatus(bufio.NewReader(io.LimitReader(c, mostAnswer)))
		if err != nil {
			return inWords(ctx, err)
		}
		if !expect.has(status) {
			return fmt.Errorf("status %d", status)
		}
		return nil
	}
}

// finalStatus reads heads up to the first that is no interim one.
func finalStatus(r *bufio.Reader) (int, error) {
	for {
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return 0, err
		}
		_ = answer.Body.Close()
		if answer.StatusCode >= 200 || answer.StatusCode == http.StatusSwitchingProtocols {
			return answer.StatusCode, nil
		}
	}
}

// GRPC calls grpc.health.v1.Health/Check for a service; "*" and "" are the
// whole server. The message is one string field, so it is written by hand.
func GRPC(service string) Check {
	if service == "*" {
		service = ""
	}
	request := grpcRequest(service)
	return func(ctx context.Context, address string) error {
		t := &http.Transport{Protocols: new(http.Protocols)}
		t.Protocols.SetUnencryptedHTTP2(true)
		defer t.CloseIdleConnections()
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/grpc.health.v1.Health/Check", strings.NewReader(request))
		if err != nil {
			return err
		}
		q.Header.Set("Content-Type", "application/grpc")
		q.Header.Set("TE", "trailers")
		answer, err := t.RoundTrip(q)
		if err != nil {
			return inWords(ctx, err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
		if err != nil {
			return inWords(ctx, err)
		}
		return grpcVerdict(answer, body)
	}
}

// grpcRequest is a length-prefixed HealthCheckRequest{service = 1}.
func grpcRequest(service string) string {
	var m []byte
	if service != "" {
		m = append(m, 1<<3|2)
		m = appendVarint(m, len(service))
		m = append(m, service...)
	}
	n := len(m)
	return string(append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, m...))
}

func appendVarint(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// servingStatus are the names of HealthCheckResponse.status.
var servingStatus = [...]string{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"}

const serving = 1

// grpcVerdict reads HealthCheckResponse{status = 1} and the trailing
// grpc-status.
func grpcVerdict(answer *http.Response, body []byte) error {
	code := answer.Trailer.Get("Grpc-Status")
	if code == "" {
		code = answer.Header.Get("Grpc-Status")
	}
	switch {
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d", answer.StatusCode)
	case code != "0":
		return fmt.Errorf("grpc status %s %s", code, answer.Header.Get("Grpc-Message")+answer.Trailer.Get("Grpc-Message"))
	case len(body) < 5:
		return errors.New("the grpc answer is too short")
	}
	status := 0
	if m := body[5:]; len(m) >= 2 && m[0] == 1<<3 {
		status = int(m[1])
	}
	if status != serving {
		return fmt.Errorf("grpc: %s", servingStatus[min(status, len(servingStatus)-1)])
	}
	return nil
}
