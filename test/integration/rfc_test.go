//go:build integration

package integration

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestTrailersThatConnectionNamesGoNoFurther(t *testing.T) {
	const trailers = "0\r\nX-Hop: 1\r\nX-Sum: 2\r\n\r\n"
	got := make(chan http.Header, 1)
	address := rawEndpoint(t, func(c net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer
		_, _ = io.WriteString(c, "HTTP/1.1 103 \r\nConnection: X-Other\r\n\r\nHTTP/1.1 200 OK\r\nConnection: x-hop\r\nTransfer-Encoding: chunked\r\n\r\n"+trailers)
	})
	s := newRig().start(t, fronts[0], []string{address})
	c := s.dial(t)
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nConnection: x-hop, close\r\nTransfer-Encoding: chunked\r\n\r\n"+trailers)
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(answer), "\r\n0\r\nX-Sum: 2\r\n\r\n") {
		t.Errorf("the client got %q, %v; want the trailer X-Sum alone", answer, err)
	}
	if h := <-got; h.Get("X-Sum") != "2" || h.Get("X-Hop") != "" {
		t.Errorf("the endpoint got the trailers %v; want X-Sum alone", h)
	}
}

func TestAnswer426SaysWhatIsRequired(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.WriteHeader(http.StatusUpgradeRequired)
	}))
	r, _ := say(t, s.dial(t), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if r.StatusCode != 426 || r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
		t.Errorf("got %d %v; want 426 with Upgrade: websocket", r.StatusCode, r.Header)
	}
}

func TestSwitchToWhatNobodyAskedForIsMalformed(t *testing.T) {
	address := rawEndpoint(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: b\r\n\r\n")
	})
	s := newRig().start(t, fronts[0], []string{address})
	r, _ := say(t, s.dial(t), "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n")
	if r.StatusCode != 502 {
		t.Errorf("got %d; want 502", r.StatusCode)
	}
}

func TestMaxForwardsCountsDown(t *testing.T) {
	s := onHTTP1(t, newRig(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "seen "+r.Header.Get("Max-Forwards"))
	}))
	for left, want := range map[string]string{"3": "seen 2", "1": "seen 0", "0": ""} {
		r, body := say(t, s.dial(t), "OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: "+left+"\r\n\r\n")
		if r.StatusCode != 200 || body != want || (left == "0") != (r.Header.Get("Allow") != "") {
			t.Errorf("with %s left: %d %q, Allow %q; want %q", left, r.StatusCode, body, r.Header.Get("Allow"), want)
		}
	}
}
