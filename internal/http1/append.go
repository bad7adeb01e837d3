package http1

import (
	"strconv"

	"poise/internal/message"
)

// AppendRequest appends a request's head: what was understood of it, written
// anew. The version is always 1.1, and h.Close is not: it was about the
// connection that h came from.
func AppendRequest(dst []byte, h *message.Head) []byte {
	dst = append(append(dst, h.Method...), ' ')
	dst = append(append(dst, h.Path...), " HTTP/1.1\r\nHost: "...)
	dst = append(append(dst, h.Authority...), crlf...)
	dst = appendFields(dst, h.Fields, ownedRequest)
	switch h.Framing {
	case message.Stream:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case message.Length:
		dst = appendLength(dst, h.Length)
	case message.NoBody:
		switch string(h.Method) {
		case "POST", "PUT", "PATCH": // some servers want to be told (RFC 9110 section 8.6)
			dst = appendLength(dst, 0)
		}
	}
	if h.Expect {
		dst = append(dst, "Expect: 100-continue\r\n"...)
	}
	switch {
	case h.Upgrade != nil && h.Trailers:
		dst = append(dst, "Connection: Upgrade, TE\r\nTE: trailers\r\nUpgrade: "...)
		dst = append(append(dst, h.Upgrade...), crlf...)
	case h.Upgrade != nil:
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: "...)
		dst = append(append(dst, h.Upgrade...), crlf...)
	case h.Trailers:
		dst = append(dst, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	return append(dst, crlf...)
}

// ResponseOptions say what an answer's head tells the client about its
// connection.
type ResponseOptions struct {
	Close     bool // it ends after this answer
	KeepAlive bool // it goes on, which a client of HTTP/1.0 must be told
	HTTP10    bool // the client speaks 1.0: a body of unknown length ends with the connection
}

// AppendResponse appends an answer's head. The version is always 1.1: that is
// the sender's own, whatever the client speaks. A body that ends with the
// connection closes it, whatever the options say. With NoBody a Length of -1
// announces nothing, which is right for HEAD and 304; an answer that could
// have a body and has none is one of Length 0.
func AppendResponse(dst []byte, h *message.Head, o ResponseOptions) []byte {
	dst = appendStatusLine(dst, h)
	dst = appendFields(dst, h.Fields, ownedAnswer)
	interim := h.Status < 200
	if !interim && h.Status != 204 {
		dst = appendFraming(dst, h, o)
	}
	if h.Status == 426 && h.Upgrade != nil { // it must say what is required (RFC 9110 section 15.5.22)
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: "...)
		dst = append(append(dst, h.Upgrade...), crlf...)
	}
	ends := o.Close || h.Framing == message.UntilEOF || h.Framing == message.Stream && o.HTTP10
	switch {
	case h.Framing == message.TunnelRaw:
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: "...)
		dst = append(append(dst, h.Upgrade...), crlf...)
	case interim: // says nothing about the connection; the final answer does
	case ends:
		dst = append(dst, "Connection: close\r\n"...)
	case o.KeepAlive:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, crlf...)
}

func appendStatusLine(dst []byte, h *message.Head) []byte {
	if h.Status == 200 && (len(h.Reason) == 0 || string(h.Reason) == "OK") {
		return append(dst, "HTTP/1.1 200 OK\r\n"...) // nearly always
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(strconv.AppendInt(dst, int64(h.Status), 10), ' ')
	if len(h.Reason) > 0 {
		dst = append(dst, h.Reason...)
	} else {
		dst = append(dst, reason(h.Status)...)
	}
	return append(dst, crlf...)
}

func appendFraming(dst []byte, h *message.Head, o ResponseOptions) []byte {
	switch h.Framing {
	case message.Stream:
		if !o.HTTP10 {
			return append(dst, "Transfer-Encoding: chunked\r\n"...)
		}
	case message.Length:
		return appendLength(dst, h.Length)
	case message.NoBody:
		if h.Length >= 0 {
			return appendLength(dst, h.Length)
		}
	}
	return dst
}

// The fields that this package writes itself: a head that lists one of them
// cannot frame or route a message twice.
const (
	ownedAnswer uint64 = 1<<message.Connection | 1<<message.ContentLength | 1<<message.KeepAlive | 1<<message.ProxyConnection |
		1<<message.TE | 1<<message.TransferEncoding | 1<<message.Upgrade
	ownedRequest = ownedAnswer | 1<<message.Host | 1<<message.Expect
)

func appendFields(dst []byte, fields []message.Field, owned uint64) []byte {
	for i := range fields {
		if f := &fields[i]; owned&(1<<f.ID) == 0 {
			dst = appendField(dst, f)
		}
	}
	return dst
}

func appendField(dst []byte, f *message.Field) []byte {
	dst = append(append(dst, f.Name...), ": "...)
	return append(append(dst, f.Value...), crlf...)
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, crlf...)
}
