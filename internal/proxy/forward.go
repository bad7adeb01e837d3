package proxy

import (
	"bytes"
	"strconv"

	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/route"
)

var (
	nameForwardedFor   = []byte("X-Forwarded-For")
	nameForwardedProto = []byte("X-Forwarded-Proto")
	nameForwardedHost  = []byte("X-Forwarded-Host")
	nameRequestID      = []byte("X-Request-Id")
	nameVia            = []byte("Via")
	viaHere            = []byte("1.1 poise")
	viaHereOld         = []byte("1.0 poise")
	viaHere2           = []byte("2 poise")
)

// prepare makes the request's head as endpoints get it.
func (s *state) prepare() {
	in, out := s.in, &s.out
	conn := s.x.Conn()
	fields := out.Fields[:0]
	*out = *in
	var known forwarded
	for i := range in.Fields {
		f := &in.Fields[i]
		if known.take(f, conn.Trusted) || bytes.IndexByte(f.Name, '_') >= 0 {
			continue
		}
		if conn.Trusted && asksWhy(f) {
			s.why = string(f.Value) == "1"
			continue
		}
		fields = append(fields, *f)
	}
	fields = s.addForwarded(fields, &known)
	if conn.Via {
		fields = append(fields, message.Field{Name: nameVia, Value: viaOf(in), ID: message.Via})
	}
	out.Fields = s.route.ChangeRequest(fields)
	s.countHop()
	out.Path = s.route.ForwardPath(in.Path, &s.scratch)
	if in.Upgrade != nil && !maySwitch(in) {
		out.Upgrade = nil
	}
	out.Close = false
}

// maySwitch reports whether a request's wish to switch protocols is passed on;
// a server may ignore it (RFC 9110 section 7.8). A request that has a body, or
// waits for 100, asks for nothing else. A tunnel of HTTP would carry requests
// that no route, limit or log ever sees.
func maySwitch(in *message.Head) bool {
	if in.Expect || in.Framing != message.NoBody && !(in.Framing == message.Length && in.Length == 0) {
		return false
	}
	for protocol := range bytes.SplitSeq(in.Upgrade, []byte(",")) {
		name, _, _ := bytes.Cut(bytes.TrimSpace(protocol), []byte("/"))
		if message.EqualFold(name, "h2c") || message.EqualFold(name, "h2") || message.EqualFold(name, "http") {
			return false
		}
	}
	return true
}

func viaOf(h *message.Head) []byte {
	switch {
	case h.Major == 2:
		return viaHere2
	case h.Major == 1 && h.Minor == 0:
		return viaHereOld
	}
	return viaHere
}

// forwarded is what the request says of the way it came.
type forwarded struct {
	addresses   [8][]byte // of X-Forwarded-For fields, in order
	n           int
	proto, host bool
	id          []byte
}

// take reports whether the field is replaced by one that is made here.
func (k *forwarded) take(f *message.Field, trusted bool) bool {
	switch f.ID {
	case message.XForwardedFor:
		if trusted && k.n < len(k.addresses) {
			k.addresses[k.n] = f.Value
			k.n++
		}
		return true
	case message.XForwardedProto:
		k.proto = trusted
		return !trusted
	case message.XForwardedHost:
		k.host = trusted
		return !trusted
	case message.XRequestID:
		if trusted && k.id == nil && validID(f.Value) {
			k.id = f.Value
		}
		return true
	case message.Forwarded, message.XRealIP:
		return !trusted
	}
	return false
}

// validID keeps what ends up in other people's logs short and harmless.
func validID(v []byte) bool {
	if len(v) == 0 || len(v) > 64 {
		return false
	}
	for _, c := range v {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

func (s *state) addForwarded(fields []message.Field, k *forwarded) []message.Field {
	conn := s.x.Conn()
	peer := conn.RemoteText
	if k.n > 0 {
		peer = s.intern(func(b []byte) []byte {
			for _, a := range k.addresses[:k.n] {
				b = append(append(b, a...), ", "...)
			}
			return append(b, conn.RemoteText...)
		})
	}
	fields = append(fields, message.Field{Name: nameForwardedFor, Value: peer, ID: message.XForwardedFor})
	if !k.proto {
		fields = append(fields, message.Field{Name: nameForwardedProto, Value: s.in.Scheme, ID: message.XForwardedProto})
	}
	if !k.host && len(s.in.Authority) > 0 {
		fields = append(fields, message.Field{Name: nameForwardedHost, Value: s.in.Authority, ID: message.XForwardedHost})
	}
	id := k.id
	if id == nil {
		id = s.newID()
	}
	return append(fields, message.Field{Name: nameRequestID, Value: id, ID: message.XRequestID})
}

// newID makes an id that is unique for all practical purposes: 128 random
// bits. It is a name, not a secret.
func (s *state) newID() []byte {
	return s.intern(func(b []byte) []byte {
		return appendHex(appendHex(b, s.dice.Uint64()), s.dice.Uint64())
	})
}

func appendHex(b []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	var hex [16]byte
	for i := range hex {
		hex[i] = digits[v>>60]
		v <<= 4
	}
	return append(b, hex[:]...)
}

// setAuthority says which Host the endpoint is asked for.
func (s *state) setAuthority(e *lb.Endpoint) {
	s.out.Authority = s.authorityOf(e, func(address string) []byte {
		return s.intern(func(b []byte) []byte { return append(b, address...) })
	})
}

// authorityOf is the Host that e is asked for. keep turns an address into
// bytes that stay.
func (s *state) authorityOf(e *lb.Endpoint, keep func(string) []byte) []byte {
	authority := s.in.Authority
	switch s.route.Host.Kind {
	case route.HostEndpoint:
		return keep(e.Address)
	case route.HostName:
		authority = s.route.Host.Name
	}
	if len(authority) == 0 { // HTTP/1.0 need not name one, HTTP/1.1 must
		return keep(e.Address)
	}
	return authority
}

// stuckTo returns the endpoint that the client's cookie names, while that one
// still takes the requests of its own clients.
func (s *state) stuckTo(snapshot *cluster.Snapshot) *lb.Endpoint {
	value := route.Cookie(s.in, s.up.Sticky.Cookie)
	if len(value) != 16 {
		return nil
	}
	hash, err := strconv.ParseUint(string(value), 16, 64)
	if err != nil {
		return nil
	}
	if e, ok := snapshot.ByHash(hash); ok {
		return e
	}
	return nil
}
