package http1

import (
	"strconv"

	"poise/internal/message"
)

// AppendRequest appends a request's head: what was understood of it, written
// anew. The version is always 1.1.
func AppendRequest(dst []byte, h *message.Head) []byte {
	dst = append(append(dst, h.Method...), ' ')
	dst = append(append(dst, h.Path...), " HTTP/1.1\r\nHost: "...)
	dst = append(append(dst, h.Authority...), crlf...)
	dst = appendFields(dst, h.Fields)
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
// the sender's own, whatever the client speaks.
func AppendResponse(dst []byte, h *message.Head, o ResponseOptions) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(h.Status), 10)
	dst = append(dst, ' ')
	if len(h.Reason) > 0 {
		dst = append(dst, h.Reason...)
	} else {
		dst = append(dst, reason(h.Status)...)
	}
	dst = append(dst, crlf...)
	dst = appendFields(dst, h.Fields)
	if h.Status >= 200 && h.Status != 204 {
		dst = appendFraming(dst, h, o)
	}
	switch {
	case h.Framing == message.TunnelRaw:
		dst = append(dst, "Connection: Upgrade\r\nUpgrade: "...)
		dst = append(append(dst, h.Upgrade...), crlf...)
	case o.Close:
		dst = append(dst, "Connection: close\r\n"...)
	case o.KeepAlive:
		dst = append(dst, "Connection: keep-alive\r\n"...)
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

func appendFields(dst []byte, fields []message.Field) []byte {
	for i := range fields {
		f := &fields[i]
		dst = append(append(dst, f.Name...), ": "...)
		dst = append(append(dst, f.Value...), crlf...)
	}
	return dst
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, crlf...)
}

// reason is the usual phrase of a status, "" where there is none.
func reason(status int) string {
	switch status {
	case 100:
		return "Continue"
	case 101:
		return "Switching Protocols"
	case 103:
		return "Early Hints"
	case 200:
		return "OK"
	case 204:
		return "No Content"
	case 301:
		return "Moved Permanently"
	case 302:
		return "Found"
	case 303:
		return "See Other"
	case 304:
		return "Not Modified"
	case 307:
		return "Temporary Redirect"
	case 308:
		return "Permanent Redirect"
	case 400:
		return "Bad Request"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 413:
		return "Content Too Large"
	case 414:
		return "URI Too Long"
	case 417:
		return "Expectation Failed"
	case 429:
		return "Too Many Requests"
	case 431:
		return "Request Header Fields Too Large"
	case 501:
		return "Not Implemented"
	case 502:
		return "Bad Gateway"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Gateway Timeout"
	case 505:
		return "HTTP Version Not Supported"
	}
	return ""
}
