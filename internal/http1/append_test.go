package http1

import (
	"strings"
	"testing"

	"poise/internal/message"
)

// fieldsOf makes fields of "Name", "value" pairs.
func fieldsOf(pairs ...string) []message.Field {
	var fields []message.Field
	for i := 0; i < len(pairs); i += 2 {
		name := []byte(pairs[i])
		fields = append(fields, message.Field{Name: name, Value: []byte(pairs[i+1]), ID: message.LookUp(name)})
	}
	return fields
}

// lines joins what a head should look like.
func lines(l ...string) string { return strings.Join(append(l, "", ""), "\r\n") }

func TestRequestsAreWrittenAnew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*message.Head)
		want   string
	}{
		{"plain", func(*message.Head) {}, lines("GET /b?c HTTP/1.1", "Host: a:1")},
		{"the version is always 1.1", func(h *message.Head) { h.Major, h.Minor = 1, 0 }, lines("GET /b?c HTTP/1.1", "Host: a:1")},
		{"Close was about another connection", func(h *message.Head) { h.Close = true }, lines("GET /b?c HTTP/1.1", "Host: a:1")},
		{"no authority", func(h *message.Head) { h.Authority = nil }, lines("GET /b?c HTTP/1.1", "Host: ")},
		{"OPTIONS of the server", func(h *message.Head) { h.Method, h.Path = []byte("OPTIONS"), []byte("*") }, lines("OPTIONS * HTTP/1.1", "Host: a:1")},
		{"fields keep order and case", func(h *message.Head) { h.Fields = fieldsOf("b", "1", "A", "2", "Cookie", "", "b", "3") }, lines("GET /b?c HTTP/1.1", "Host: a:1", "b: 1", "A: 2", "Cookie: ", "b: 3")},
		{"fields written here cannot be smuggled in", func(h *message.Head) {
			h.Fields = fieldsOf("Host", "x", "Content-Length", "9", "Transfer-Encoding", "chunked", "Connection", "close", "Keep-Alive", "x",
				"Proxy-Connection", "x", "Upgrade", "x", "TE", "x", "Expect", "x", "A", "b")
		}, lines("GET /b?c HTTP/1.1", "Host: a:1", "A: b")},
		{"a length", func(h *message.Head) { h.Framing, h.Length = message.Length, 5 }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Content-Length: 5")},
		{"a length of nothing", func(h *message.Head) { h.Framing, h.Length = message.Length, 0 }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Content-Length: 0")},
		{"a stream", func(h *message.Head) { h.Framing = message.Stream }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Transfer-Encoding: chunked")},
		{"POST says that it has no body", func(h *message.Head) { h.Method = []byte("POST") }, lines("POST /b?c HTTP/1.1", "Host: a:1", "Content-Length: 0")},
		{"PUT says so, too", func(h *message.Head) { h.Method = []byte("PUT") }, lines("PUT /b?c HTTP/1.1", "Host: a:1", "Content-Length: 0")},
		{"PATCH says so, too", func(h *message.Head) { h.Method = []byte("PATCH") }, lines("PATCH /b?c HTTP/1.1", "Host: a:1", "Content-Length: 0")},
		{"DELETE does not", func(h *message.Head) { h.Method = []byte("DELETE") }, lines("DELETE /b?c HTTP/1.1", "Host: a:1")},
		{"an upgrade", func(h *message.Head) { h.Upgrade = []byte("websocket") }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Connection: Upgrade", "Upgrade: websocket")},
		{"trailers", func(h *message.Head) { h.Trailers = true }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Connection: TE", "TE: trailers")},
		{"an upgrade and trailers", func(h *message.Head) { h.Upgrade, h.Trailers = []byte("x"), true }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Connection: Upgrade, TE", "TE: trailers", "Upgrade: x")},
		{"an expectation", func(h *message.Head) { h.Framing, h.Expect = message.Stream, true }, lines("GET /b?c HTTP/1.1", "Host: a:1", "Transfer-Encoding: chunked", "Expect: 100-continue")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := message.Head{Method: []byte("GET"), Scheme: []byte("https"), Authority: []byte("a:1"), Path: []byte("/b?c"), Length: -1}
			tt.change(&h)
			got := string(AppendRequest([]byte("before "), &h))
			if got != "before "+tt.want {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
			again := everyWay(t, []byte(tt.want), asRequest(Limits{}))
			if again.refusal != nil || again.n != len(tt.want) {
				t.Errorf("is not read again: %v", again)
			}
		})
	}
}

func TestAnswersAreWrittenAnew(t *testing.T) {
	for _, tt := range []struct {
		name string
		head message.Head
		o    ResponseOptions
		want string
	}{
		{"a length", message.Head{Status: 200, Framing: message.Length, Length: 5, Fields: fieldsOf("b", "1", "A", "2")}, ResponseOptions{}, lines("HTTP/1.1 200 OK", "b: 1", "A: 2", "Content-Length: 5")},
		{"a length of nothing", message.Head{Status: 200, Framing: message.Length}, ResponseOptions{}, lines("HTTP/1.1 200 OK", "Content-Length: 0")},
		{"a stream", message.Head{Status: 200, Framing: message.Stream, Length: -1}, ResponseOptions{}, lines("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")},
		{"a reason of its own", message.Head{Status: 200, Reason: []byte("Fine"), Framing: message.Stream}, ResponseOptions{}, lines("HTTP/1.1 200 Fine", "Transfer-Encoding: chunked")},
		{"the usual reason", message.Head{Status: 503, Framing: message.Length}, ResponseOptions{}, lines("HTTP/1.1 503 Service Unavailable", "Content-Length: 0")},
		{"a status without a usual reason keeps the space", message.Head{Status: 599, Framing: message.Length}, ResponseOptions{}, lines("HTTP/1.1 599 ", "Content-Length: 0")},
		{"the last byte of the status table", message.Head{Status: 511, Framing: message.Length}, ResponseOptions{}, lines("HTTP/1.1 511 Network Authentication Required", "Content-Length: 0")},
		{"HEAD announces", message.Head{Status: 200, Length: 5}, ResponseOptions{}, lines("HTTP/1.1 200 OK", "Content-Length: 5")},
		{"HEAD announces nothing", message.Head{Status: 200, Length: -1}, ResponseOptions{}, lines("HTTP/1.1 200 OK")},
		{"304 announces", message.Head{Status: 304, Length: 5}, ResponseOptions{}, lines("HTTP/1.1 304 Not Modified", "Content-Length: 5")},
		{"204 never announces", message.Head{Status: 204, Framing: message.Length, Length: 0}, ResponseOptions{}, lines("HTTP/1.1 204 No Content")},
		{"204 is never chunked", message.Head{Status: 204, Framing: message.Stream}, ResponseOptions{Close: true}, lines("HTTP/1.1 204 No Content", "Connection: close")},
		{"an interim answer says nothing of the connection", message.Head{Status: 103, Length: 5, Fields: fieldsOf("Link", "a")}, ResponseOptions{Close: true}, lines("HTTP/1.1 103 Early Hints", "Link: a")},
		{"a granted upgrade", message.Head{Status: 101, Framing: message.TunnelRaw, Upgrade: []byte("x")}, ResponseOptions{Close: true}, lines("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: x")},
		{"the connection ends", message.Head{Status: 200, Framing: message.Length}, ResponseOptions{Close: true, KeepAlive: true}, lines("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: close")},
		{"a client of 1.0 is told that it goes on", message.Head{Status: 200, Framing: message.Length}, ResponseOptions{KeepAlive: true, HTTP10: true}, lines("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: keep-alive")},
		{"a stream to a client of 1.0 ends with the connection", message.Head{Status: 200, Framing: message.Stream}, ResponseOptions{KeepAlive: true, HTTP10: true}, lines("HTTP/1.1 200 OK", "Connection: close")},
		{"what ends with the connection ends it", message.Head{Status: 200, Framing: message.UntilEOF}, ResponseOptions{KeepAlive: true}, lines("HTTP/1.1 200 OK", "Connection: close")},
		{
			"fields written here cannot be smuggled in",
			message.Head{Status: 200, Framing: message.Length, Fields: fieldsOf("Content-Length", "9", "Transfer-Encoding", "chunked", "Connection", "x", "Keep-Alive", "x", "Proxy-Connection", "x", "Upgrade", "x", "TE", "x")},
			ResponseOptions{},
			lines("HTTP/1.1 200 OK", "Content-Length: 0"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := string(AppendResponse([]byte("before "), &tt.head, tt.o))
			if got != "before "+tt.want {
				t.Errorf("got\n%q, want\n%q", got, tt.want)
			}
			again := everyWay(t, []byte(tt.want), asResponse("GET", Limits{}))
			if again.refusal != nil || again.n != len(tt.want) {
				t.Errorf("is not read again: %v", again)
			}
		})
	}
}

func TestChunksAreWritten(t *testing.T) {
	for size, want := range map[int]string{1: "1\r\n", 15: "f\r\n", 16: "10\r\n", 0x1a2b: "1a2b\r\n", 1<<63 - 1: "7fffffffffffffff\r\n"} {
		if got := string(AppendChunkSize([]byte("x"), size)); got != "x"+want {
			t.Errorf("%d: %q, want %q", size, got, want)
		}
	}
	if got := string(AppendLastChunk([]byte("x"), nil)); got != "x0\r\n\r\n" {
		t.Errorf("%q", got)
	}
	got := string(AppendLastChunk(nil, fieldsOf("Grpc-Status", "0", "Content-Length", "5", "If-Match", "x", "Authorization", "y", "B", "")))
	if got != "0\r\nGrpc-Status: 0\r\nB: \r\n\r\n" {
		t.Errorf("%q", got)
	}
}
