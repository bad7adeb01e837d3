package strict

import (
	"net/netip"
	"strconv"
	"strings"
)

// requestRules are those that a request's head obeys as a whole.
func (m *Message) requestRules() error {
	hosts := m.Values("Host")
	switch {
	case len(hosts) > 1:
		return fault("%d Host fields", len(hosts))
	case len(hosts) == 0 && m.Version == "1.1":
		return fault("no Host field")
	case len(hosts) == 1 && !authority(hosts[0]):
		return fault("the Host %q", hosts[0])
	}
	if err := m.target(hosts); err != nil {
		return err
	}
	return m.framing()
}

// target checks the four forms. Bytes that RFC 3986 leaves out but that are
// visible (quotes, braces, bars) pass: browsers send some, and no two readers
// differ about where such a target ends.
func (m *Message) target(hosts []string) error {
	t := m.Target
	for i := range len(t) {
		if t[i] <= ' ' || t[i] >= 0x7f || t[i] == '#' {
			return fault("the byte %#02x in the target %q", t[i], clip([]byte(t)))
		}
	}
	scheme, rest, absolute := strings.Cut(t, "://")
	switch {
	case m.Method == "CONNECT":
		if h, port, ok := cutPort(t); !ok || h == "" || port == "" || !authority(t) {
			return fault("CONNECT to %q", t)
		}
	case t == "":
		return fault("no target")
	case t[0] == '/':
	case t == "*":
		if m.Method != "OPTIONS" {
			return fault("the target * with %s", m.Method)
		}
	case absolute && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")):
		host := rest
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			host = rest[:i]
		}
		if host == "" || !authority(host) {
			return fault("the authority %q in the target", host)
		}
		if len(hosts) == 1 && !strings.EqualFold(hosts[0], host) {
			return fault("the target names %q and Host names %q", host, hosts[0])
		}
	default:
		return fault("the target %q is of no form", clip([]byte(t)))
	}
	return nil
}

func (m *Message) answerRules() error {
	bodiless := m.Status < 200 || m.Status == 204
	if bodiless && len(m.Values("Transfer-Encoding")) > 0 {
		return fault("Transfer-Encoding in a %d answer", m.Status)
	}
	if bodiless && len(m.Values("Content-Length")) > 0 {
		return fault("Content-Length in a %d answer", m.Status)
	}
	if m.Status == 101 && (len(m.Values("Upgrade")) == 0 || !m.Lists("Connection", "upgrade")) {
		return fault("101 without Upgrade and Connection: upgrade")
	}
	if m.Status == 426 && len(m.Values("Upgrade")) == 0 {
		return fault("426 without Upgrade")
	}
	return m.framing()
}

func (m *Message) framing() error {
	lengths, codings := m.Values("Content-Length"), m.Values("Transfer-Encoding")
	switch {
	case len(lengths) > 0 && len(codings) > 0:
		return fault("Content-Length and Transfer-Encoding")
	case len(lengths) > 1:
		return fault("%d Content-Length fields", len(lengths))
	case len(codings) > 1:
		return fault("%d Transfer-Encoding fields", len(codings))
	case len(codings) == 1:
		if m.Version == "1.0" {
			return fault("Transfer-Encoding in HTTP/1.0")
		}
		if !strings.EqualFold(codings[0], "chunked") {
			return fault("Transfer-Encoding: %q", codings[0])
		}
		m.Chunked = true
	case len(lengths) == 1:
		n, err := strconv.ParseInt(lengths[0], 10, 64)
		if !digits(lengths[0]) || err != nil {
			return fault("Content-Length: %q", lengths[0])
		}
		m.Length = n
	}
	return nil
}

// authority checks host[:port], RFC 3986 section 3.2, without user
// information. It may be empty as a whole.
func authority(a string) bool {
	host, port, _ := cutPort(a)
	if n, err := strconv.Atoi(port); port != "" && (!digits(port) || err != nil || n > 65535) {
		return false
	}
	if strings.HasPrefix(host, "[") {
		literal := strings.TrimSuffix(host[1:], "]")
		ip, err := netip.ParseAddr(literal)
		return literal != host[1:] && err == nil && ip.Is6() && ip.Zone() == ""
	}
	if host == "" {
		return a == ""
	}
	return regName(host)
}

func cutPort(a string) (host, port string, has bool) {
	i := strings.LastIndexByte(a, ':')
	if i < 0 || strings.HasSuffix(a, "]") {
		return a, "", false
	}
	return a[:i], a[i+1:], true
}

func regName(s string) bool {
	const sub = "-._~!$&'()*+,;="
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', strings.IndexByte(sub, c) >= 0:
		case c == '%' && i+2 < len(s) && hex(s[i+1:i+3]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func hex(s string) bool { return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// Leaks returns what a message carries although it was meant for one
// connection only, RFC 9110 section 7.6.1.
func (m *Message) Leaks() (names []string) {
	for _, name := range []string{"Keep-Alive", "Proxy-Connection"} {
		if len(m.Values(name)) > 0 {
			names = append(names, name)
		}
	}
	for _, name := range []string{"TE", "Upgrade"} {
		if len(m.Values(name)) > 0 && !m.Lists("Connection", name) {
			names = append(names, name+" without Connection: "+name)
		}
	}
	return names
}
