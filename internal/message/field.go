package message

// FieldID names the fields that Poise treats specially, so that they are
// recognised once, when they are parsed. Every other field is Other.
type FieldID uint8

// The known fields.
const (
	Other FieldID = iota
	Connection
	ContentLength
	Cookie
	Date
	Expect
	Forwarded
	Host
	KeepAlive
	ProxyConnection
	RetryAfter
	Server
	SetCookie
	TE
	Trailer
	TransferEncoding
	Upgrade
	Via
	XForwardedFor
	XForwardedHost
	XForwardedProto
	XRealIP
	XRequestID
	fieldCount
)

var fieldNames = [fieldCount]string{
	Connection:       "connection",
	ContentLength:    "content-length",
	Cookie:           "cookie",
	Date:             "date",
	Expect:           "expect",
	Forwarded:        "forwarded",
	Host:             "host",
	KeepAlive:        "keep-alive",
	ProxyConnection:  "proxy-connection",
	RetryAfter:       "retry-after",
	Server:           "server",
	SetCookie:        "set-cookie",
	TE:               "te",
	Trailer:          "trailer",
	TransferEncoding: "transfer-encoding",
	Upgrade:          "upgrade",
	Via:              "via",
	XForwardedFor:    "x-forwarded-for",
	XForwardedHost:   "x-forwarded-host",
	XForwardedProto:  "x-forwarded-proto",
	XRealIP:          "x-real-ip",
	XRequestID:       "x-request-id",
}

// idsByLength holds, per length of name, the known fields of that length:
// most names are ruled out without looking at a byte of them.
var idsByLength = func() (t [18][]FieldID) {
	for id := Connection; id < fieldCount; id++ {
		n := len(fieldNames[id])
		t[n] = append(t[n], id)
	}
	return t
}()

// LookUp returns the id of a field name in any case.
func LookUp(name []byte) FieldID {
	if len(name) >= len(idsByLength) {
		return Other
	}
	for _, id := range idsByLength[len(name)] {
		if EqualFold(name, fieldNames[id]) {
			return id
		}
	}
	return Other
}

// EqualFold compares an ASCII token with one in lower case, ignoring the
// token's case.
func EqualFold(token []byte, lower string) bool {
	if len(token) != len(lower) {
		return false
	}
	for i := range token {
		c := token[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// String returns the field's name in lower case, "" for Other.
func (id FieldID) String() string { return fieldNames[id] }
