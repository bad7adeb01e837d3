package conformance

import (
	"fmt"
	"strings"
	"time"
)

// pieces cuts a few messages in two at every byte, on both sides: what a
// message means does not depend on how it comes.
func pieces() (all []Case) {
	const gap = 2 * time.Millisecond
	chunked := "POST /c?d HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nX-A: b\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
	counted := "PUT /l HTTP/1.1\r\nHost: example.com\r\nContent-Length: 5\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\nabcde"
	old := "\r\nGET http://example.org/o HTTP/1.0\r\nHost: example.com\r\nConnection: keep-alive\r\n\r\n"
	requests := []struct {
		name, bytes string
		see         See
	}{
		{"a request in chunks", chunked, See{Target: "/c?d", Body: new("abcde"), Fields: []string{"X-A: b"}, Trailers: []string{"X-Sum: 1"}}},
		{"a request of a length", counted, See{Target: "/l", Body: new("abcde"), Gone: []string{"X-Hop"}}},
		{"a request of HTTP/1.0", old, See{Target: "/o", Host: "example.org"}},
	}
	for _, r := range requests {
		for i := range len(r.bytes) { // 0 is not cut
			all = append(all, Case{
				Name: fmt.Sprintf("pieces/%s, cut at %d", r.name, i), Group: InPieces, IDs: "9112-7.1-1", Methods: []string{"GET"},
				Send: []Step{{Bytes: r.bytes[:i]}, {Pause: gap, Bytes: r.bytes[i:]}}, Want: Want{See: &r.see},
			})
		}
	}
	bad := post("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n"
	head := len(bad) - len("0\r\n\r\n")
	for i := range head + 1 {
		all = append(all, Case{
			Name: fmt.Sprintf("pieces/a request of both framings, cut at %d", i), Group: InPieces, IDs: "9112-6.1-9",
			Send: []Step{{Bytes: bad[:i]}, {Pause: gap, Bytes: bad[i:]}}, Methods: []string{"POST"}, Want: Want{Refuse: 400},
		})
	}
	for name, bytes := range map[string]string{
		"an answer in chunks":   "HTTP/1.1 103 \r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
		"an answer of a length": "HTTP/1.1 200 \r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\nabcde",
		"an answer of HTTP/1.0": "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nabcde",
	} {
		for i := range len(bytes) {
			all = append(all, Case{
				Name: fmt.Sprintf("pieces/%s, cut at %d", name, i), Group: InPieces, IDs: "9112-7.1-1", Send: say(get()),
				Answer: []Step{{Bytes: bytes[:i]}, {Pause: gap, Bytes: bytes[i:]}}, Want: Want{Get: &Get{Body: new("abcde"), Gone: []string{"X-Hop"}}},
			})
		}
	}
	all = append(all, morePieces()...)
	all = append(all, byteByByte(all)...)
	return sorted(all)
}

// morePieces are two requests in a row and one that opens a tunnel, with the
// first bytes of what goes through it.
func morePieces() (all []Case) {
	const gap = 2 * time.Millisecond
	two := "POST /1 HTTP/1.1\r\nHost: example.com\r\nContent-Length: 3\r\n\r\nabc\r\nGET /2 HTTP/1.1\r\nHost: example.com\r\n\r\n"
	switches := get("Connection: Upgrade", "Upgrade: x/1") + "early"
	for i := range len(two) {
		all = append(all, Case{
			Name: fmt.Sprintf("pieces/two requests, cut at %d", i), Group: InPieces, IDs: "9112-9.3.2-1", Answers: 2, Methods: []string{"POST"},
			Send: []Step{{Bytes: two[:i]}, {Pause: gap, Bytes: two[i:]}}, Want: Want{See: &See{Requests: 2, Target: "/1", Body: new("abc")}, Get: &Get{Bodies: []string{"seen POST /1", "seen GET /2"}}},
		})
	}
	for i := range len(switches) {
		all = append(all, Case{
			Name: fmt.Sprintf("pieces/a request for a tunnel, cut at %d", i), Group: InPieces, IDs: "9110-7.8-1", Tunnel: true, Methods: []string{"GET"},
			Send: []Step{{Bytes: switches[:i]}, {Pause: gap, Bytes: switches[i:]}}, Answer: say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x/1\r\n\r\nhello "),
			Want: Want{Get: &Get{Status: 101, Tunnel: "hello early"}},
		})
	}
	return all
}

// byteByByte sends whatever is sent in two pieces a byte at a time, too.
func byteByByte(cut []Case) (all []Case) {
	const gap = 200 * time.Microsecond
	split := func(steps []Step) (each []Step) {
		for _, s := range steps {
			for i := range len(s.Bytes) {
				each = append(each, Step{Pause: gap, Bytes: s.Bytes[i : i+1]})
			}
		}
		return each
	}
	for _, c := range cut {
		message, found := strings.CutSuffix(c.Name, ", cut at 0")
		if !found {
			continue
		}
		c.Name = message + ", cut at every byte"
		if len(c.Send) > 1 {
			c.Send = split(c.Send)
		} else {
			c.Answer = split(c.Answer)
		}
		all = append(all, c)
	}
	return all
}
