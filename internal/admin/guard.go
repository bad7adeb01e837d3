package admin

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guarded lets a call through only from where it may come. A web page that a
// browser on this machine happens to show must not steer Poise: its Host or
// its Origin gives it away.
func (a *API) guarded(need access, overSocket bool, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if overSocket {
			next(w, r)
			return
		}
		if !a.hostAllowed(r.Host) {
			problem(w, http.StatusMisdirectedRequest, "the Host "+clip(r.Host)+" is not one of this API; use 127.0.0.1, localhost or a name from admin.names")
			return
		}
		if err := a.origin.Check(r); err != nil {
			problem(w, http.StatusForbidden, "a call from another site's page is refused: "+err.Error())
			return
		}
		if !a.permitted(w, r, need) {
			return
		}
		next(w, r)
	})
}

func (a *API) permitted(w http.ResponseWriter, r *http.Request, need access) bool {
	switch {
	case need == open:
		return true
	case a.options.Token == "" && need == owning:
		problem(w, http.StatusForbidden, "this call needs admin.token to be configured and sent, or the Unix socket admin.socket")
		return false
	case a.options.Token == "":
		return true // bound to loopback: CheckReach allows nothing else
	}
	scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(sent), []byte(a.options.Token)) == 1 {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="poise"`)
	problem(w, http.StatusUnauthorized, "send the configured admin.token as Authorization: Bearer …")
	return false
}

// hostAllowed keeps out names that somebody else's DNS points at this
// machine.
func (a *API) hostAllowed(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.IsLoopback() || a.named(name)
	}
	return strings.EqualFold(name, "localhost") || a.named(name)
}

func (a *API) named(name string) bool {
	for _, n := range a.options.Names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// clip bounds what of a caller's text is repeated to it.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
