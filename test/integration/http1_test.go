//go:build integration

package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"poise/internal/route"
)

// onHTTP1 starts a rig with the HTTP/1.1 front only.
func onHTTP1(t *testing.T, r *rig, h http.Handler) *side {
	return r.start(t, fronts[0], []string{startEndpoint(t, h)})
}

// dial opens a connection on which a test writes bytes of its own.
func (s *side) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(15 * time.Second))
	return c.(*net.TCPConn)
}

// say writes a request and reads one answer.
func say(t *testing.T, c net.Conn, request string) (*http.Response, string) {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("after %q: %v", request, err)
	}
	b, _ := io.ReadAll(r.Body)
	return r, string(b)
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })

func TestBadRequestsAreRefusedAndReachNobody(t *testing.T) {
	long := strings.Repeat("a", 9<<10)
	bad := []struct {
		name, request string
		status        int
	}{
		{"no HTTP", "hello\r\n\r\n", 400},
		{"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"length and coding", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
		{"length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"space before the colon", "GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400},
		{"folded field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
		{"NUL in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: b\x00c\r\n\r\n", 400},
		{"long request line", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
		{"many fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: y\r\n", 101) + "\r\n", 431},
		{"large fields", "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 70) + "\r\n", 431},
		{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405},
		{"encoded slash", "GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
	}
	var reached atomic.Int32
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	for _, b := range bad {
		t.Run(b.name, func(t *testing.T) {
			c := s.dial(t)
			r, body := say(t, c, b.request)
			if r.StatusCode != b.status || r.Header.Get("Poise-Error") == "" || strings.Count(body, "\n") != 1 {
				t.Errorf("got %d %q %q; want %d, a word and a line", r.StatusCode, r.Header.Get("Poise-Error"), body, b.status)
			}
			if b.status != 405 && !strings.HasPrefix(b.name, "encoded") && b.name != "backslash" { // those are understood, and only refused
				if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("after the answer: %d bytes, %v; want the end of the connection", n, err)
				}
			}
		})
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d requests reached the endpoint; want none", n)
	}
}

func TestBadChunksAreRefused(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(echo))
	for _, body := range []string{"zz\r\n", "3\r\nabcd\r\n", "3\nabc\n0\n\n", "ffffffffffffffffff\r\n", "-1\r\n"} {
		r, text := say(t, s.dial(t), "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
		if r.StatusCode != 400 {
			t.Errorf("%q: got %d %q; want 400", body, r.StatusCode, text)
		}
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s", r.URL.Path, b)
	}))
	c := s.dial(t)
	var all strings.Builder
	for i := range 50 {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&all, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)
		case 1:
			fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", i)
		case 2:
			fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", i)
		}
	}
	go func() { _, _ = io.WriteString(c, all.String()) }()
	r := bufio.NewReader(c)
	for i := range 50 {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		b, _ := io.ReadAll(a.Body)
		want := fmt.Sprintf("/%d ", i)
		if i%3 > 0 {
			want += "body"
		}
		if string(b) != want {
			t.Fatalf("answer %d is %q; want %q", i, b, want)
		}
	}
}

func TestRequestInPiecesOfEverySizeIsUnderstood(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(echo))
	request := "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Checksum: 1\r\n\r\n"
	for cut := 1; cut < len(request); cut += 3 {
		c := s.dial(t)
		_, _ = io.WriteString(c, request[:cut])
		time.Sleep(time.Millisecond)
		r, body := say(t, c, request[cut:])
		if r.StatusCode != 200 || !strings.HasPrefix(body, "11 ") {
			t.Fatalf("cut at %d: %d %q", cut, r.StatusCode, body)
		}
	}
}

func TestConnectionOptionsAreHonoured(t *testing.T) {
	s := onHTTP1(t, newRig(), ok)
	for name, request := range map[string]struct {
		text   string
		closes bool
	}{
		"1.1 stays open":        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		"1.1 with close":        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", true},
		"1.0 closes":            {"GET / HTTP/1.0\r\n\r\n", true},
		"1.0 with keep-alive":   {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false},
		"answered by ourselves": {"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", false},
	} {
		c := s.dial(t)
		say(t, c, request.text)
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := c.Read(make([]byte, 1))
		if closed := errors.Is(err, io.EOF); closed != request.closes {
			t.Errorf("%s: closed %t (%v); want %t", name, closed, err, request.closes)
		}
	}
}

func TestChunkedAnswerToAnOldClientEndsWithTheConnection(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "piece ")
			w.(http.Flusher).Flush()
		}
	}))
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
	b, err := io.ReadAll(c)
	if err != nil || !bytes.HasSuffix(b, []byte("\r\n\r\npiece piece piece ")) || bytes.Contains(b, []byte("chunked")) {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestExpectContinueGoesFromEndToEnd(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		echo(w, r) // net/http sends 100 when the body is read
	}))
	c := s.dial(t)
	_, _ = io.WriteString(c, "POST /yes HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	reader := bufio.NewReader(c)
	if line, _ := reader.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("first line %q; want 100", line)
	}
	_, _ = reader.ReadString('\n')
	_, _ = io.WriteString(c, "body")
	if r, err := http.ReadResponse(reader, nil); err != nil || r.StatusCode != 200 {
		t.Fatalf("final: %v, %v", r, err)
	}
	r, _ := say(t, s.dial(t), "POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	if r.StatusCode != 403 || !r.Close {
		t.Errorf("got %d, close %t; want 403 and the connection closed: the body may still come", r.StatusCode, r.Close)
	}
}

func TestWebSocketIsATunnel(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(1 << 20)
		for {
			kind, m, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if c.Write(r.Context(), kind, bytes.ToUpper(m)) != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	for _, m := range []string{"hello", strings.Repeat("x", 100_000), "bye"} {
		if err := c.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(ctx); err != nil || string(got) != strings.ToUpper(m) {
			t.Fatalf("got %.20q, %v", got, err)
		}
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestUpgradeThatWasNotGrantedIsAnOrdinaryAnswer(t *testing.T) {
	s := onHTTP1(t, newRig(), ok)
	c := s.dial(t)
	for range 2 {
		r, body := say(t, c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if r.StatusCode != 200 || body != "ok" {
			t.Fatalf("got %d %q", r.StatusCode, body)
		}
	}
}

func TestSlowClientsAreSentAway(t *testing.T) {
	r := newRig()
	r.listener.HeadTimeout, r.listener.BodyBetween, r.listener.Keepalive = 300*time.Millisecond, 300*time.Millisecond, 300*time.Millisecond
	s := onHTTP1(t, r, http.HandlerFunc(echo))

	c := s.dial(t)
	if answer, _ := say(t, c, "GET / HTTP/1.1\r\nHost: a\r\nX-Half: "); answer.StatusCode != 408 {
		t.Errorf("half a head: %d; want 408", answer.StatusCode)
	}
	if answer, _ := say(t, s.dial(t), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"); answer.StatusCode != 408 {
		t.Errorf("half a body: %d; want 408", answer.StatusCode)
	}
	c = s.dial(t)
	say(t, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("idle: %d bytes, %v; want the connection closed without a word", n, err)
	}
}

func TestRequestWithItsEndIsAnswered(t *testing.T) {
	r := newRig()
	r.listener.HalfOpen = true
	s := onHTTP1(t, r, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(300 * time.Millisecond)
		_, _ = io.WriteString(w, "late")
	}))
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.CloseWrite()
	if b, err := io.ReadAll(c); err != nil || !bytes.HasSuffix(b, []byte("late")) {
		t.Errorf("half-open client got %q, %v", b, err)
	}
}

func TestLargeBodyIsRefusedByTheLimit(t *testing.T) {
	r := newRig()
	r.listener.BodyBytes = 1000
	s := onHTTP1(t, r, http.HandlerFunc(echo))
	for name, request := range map[string]string{
		"announced": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
		"chunked":   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("x", 1001) + "\r\n0\r\n\r\n",
	} {
		if answer, _ := say(t, s.dial(t), request); answer.StatusCode != 413 {
			t.Errorf("%s: %d; want 413", name, answer.StatusCode)
		}
	}
}

func TestWhatTheEndpointSees(t *testing.T) {
	heads := make(chan string, 1)
	address := rawEndpoint(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			if head.WriteString(line); line == "\r\n" {
				heads <- head.String()
				head.Reset()
				_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
		}
	})
	for _, trusted := range []bool{false, true} {
		r := newRig()
		if trusted {
			r.listener.Trusted = prefixes("127.0.0.0/8")
		}
		s := r.start(t, fronts[0], []string{address})
		say(t, s.dial(t), "GET http://real.example/a?b HTTP/1.1\r\nHost: fake.example\r\nX-FIRST: 1\r\nConnection: x-mine, close\r\nX-Mine: 1\r\n"+
			"X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nx_under: 1\r\nTE: trailers\r\nX-Request-Id: mine\r\nx-last: 2\r\n\r\n")
		head := <-heads
		want := []string{"GET /a?b HTTP/1.1\r\nHost: real.example\r\nX-FIRST: 1\r\n", "x-last: 2\r\n", "Via: 1.1 poise\r\n", "X-Forwarded-Proto: http\r\n", "X-Forwarded-Host: real.example\r\n", "TE: trailers\r\n"}
		not := []string{"X-Mine", "x_under", "fake.example", "close"}
		if trusted {
			want = append(want, "X-Forwarded-For: 1.2.3.4, 127.0.0.1\r\n", "X-Request-Id: mine\r\n", "X-Real-IP: 1.2.3.4\r\n", "Forwarded: for=1.2.3.4\r\n")
		} else {
			want = append(want, "X-Forwarded-For: 127.0.0.1\r\n", "X-Request-Id: ")
			not = append(not, "1.2.3.4", "mine\r\n")
		}
		for _, w := range want {
			if !strings.Contains(head, w) {
				t.Errorf("trusted %t: no %q in\n%s", trusted, w, head)
			}
		}
		for _, n := range not {
			if strings.Contains(head, n) {
				t.Errorf("trusted %t: %q should not be in\n%s", trusted, n, head)
			}
		}
	}
}

func TestRouteSaysWhichHostTheEndpointIsAskedFor(t *testing.T) {
	hosts := make(chan string, 1)
	address := startEndpoint(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hosts <- r.Host }))
	for _, c := range []struct {
		name, request string
		host          route.Host
		want          string
	}{
		{"the client's", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", route.Host{}, "a.example"},
		{"the endpoint's address", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", route.Host{Kind: route.HostEndpoint}, address},
		{"a fixed one", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", route.Host{Kind: route.HostName, Name: []byte("b.example")}, "b.example"},
		{"the endpoint's address when the client names none", "GET / HTTP/1.0\r\n\r\n", route.Host{}, address},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			r.routes = []route.Spec{{Host: c.host, To: []route.Target{{Cluster: "default", Weight: 1}}}}
			s := r.start(t, fronts[0], []string{address})
			say(t, s.dial(t), c.request)
			if got := <-hosts; got != c.want {
				t.Errorf("asked for %q; want %q", got, c.want)
			}
		})
	}
}

func TestAnAnswerThatOvertakesTheUploadLeavesTheConnectionOpen(t *testing.T) {
	const body = "0123456789"
	address := rawEndpoint(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; { // answers at once, not after a read that shows the end
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if _, err := io.ReadFull(q.Body, make([]byte, len(body))); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	s := newRig().start(t, fronts[0], []string{address})
	c := s.dial(t)
	for i := range 300 {
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"+body[:5]); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if i%2 == 0 {
			time.Sleep(time.Millisecond) // the second half then comes by itself
		}
		if r, text := say(t, c, body[5:]); r.StatusCode != 200 || text != "ok" || r.Close {
			t.Fatalf("request %d: %d %q, close %t; want 200 \"ok\" on an open connection", i, r.StatusCode, text, r.Close)
		}
	}
}

func TestHTTP10IsForwardedAs11AndAnsweredAsItAsks(t *testing.T) {
	var seen http.Header
	var proto string
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen, proto = r.Header.Clone(), r.Proto
		_, _ = io.WriteString(w, "ok")
	}))
	r, body := say(t, s.dial(t), "GET / HTTP/1.0\r\nHost: old.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nTE: trailers\r\n\r\n")
	if body != "ok" || !r.Close || proto != "HTTP/1.1" {
		t.Errorf("%q, close %t, forwarded as %s; want \"ok\", a closed connection, HTTP/1.1", body, r.Close, proto)
	}
	for name, want := range map[string]string{
		"Via": "1.0 poise", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "old.example", "X-Forwarded-For": "127.0.0.1", "Te": "",
	} {
		if got := seen.Get(name); got != want {
			t.Errorf("%s = %q; want %q", name, got, want)
		}
	}
	c := s.dial(t)
	for range 2 {
		if r, _ := say(t, c, "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"); r.Header.Get("Connection") != "keep-alive" {
			t.Errorf("Connection = %q; want keep-alive", r.Header.Get("Connection"))
		}
	}
}
