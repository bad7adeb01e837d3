package http1

import "poise/internal/message"

// forbiddenTrailer reports whether a field must not come after the body:
// those that frame, route, authorise or control the message (RFC 9110 section
// 6.5.1). That is every field with an id, and those below.
func forbiddenTrailer(name []byte, id message.FieldID) bool {
	if id != message.Other || len(name) > 3 && message.EqualFold(name[:3], "if-") {
		return true
	}
	for _, n := range [...]string{
		"age", "authorization", "cache-control", "content-encoding", "content-location", "content-range", "content-type",
		"expires", "location", "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range", "vary",
		"warning", "www-authenticate",
	} {
		if message.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// AppendChunkSize appends the line before a chunk's data. The data and CRLF
// follow it. size is positive: a chunk of 0 would end the body.
func AppendChunkSize(dst []byte, size int) []byte {
	const digits = "0123456789abcdef"
	var line [16]byte
	i := len(line)
	for n := uint64(size); n > 0; n >>= 4 {
		i--
		line[i] = digits[n&15]
	}
	return append(append(dst, line[i:]...), crlf...)
}

// AppendLastChunk appends the end of a chunked body. Fields that must not be
// trailers are left out.
func AppendLastChunk(dst []byte, trailers []message.Field) []byte {
	dst = append(dst, "0\r\n"...)
	for i := range trailers {
		if f := &trailers[i]; !forbiddenTrailer(f.Name, f.ID) {
			dst = appendField(dst, f)
		}
	}
	return append(dst, crlf...)
}
