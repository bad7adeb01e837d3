package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// addressUse says what an address is for.
type addressUse uint8

const (
	bindable addressUse = iota // may leave the host out; port 0 is any free one
	dialable
)

func (v *validator) address(path, text string, use addressUse) {
	if text == "" {
		return // missing, which was reported where it matters
	}
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil:
		v.report(path, fmt.Sprintf("%q is no address", text), "write host:port, as in 127.0.0.1:9001")
	case portErr != nil || n == 0 && use == dialable:
		v.report(path, fmt.Sprintf("%q has no port from 1 to 65535", text), "write host:port, as in 127.0.0.1:9001")
	case host == "" && use == dialable:
		v.report(path, fmt.Sprintf("%q has no host", text), "write host:port, as in 127.0.0.1:9001")
	case host != "" && !hostName(host):
		v.report(path, fmt.Sprintf("%q is neither a host name nor an IP address", host), "write host:port, as in 127.0.0.1:9001")
	}
}

// hostName reports whether text can name a host: an IP address, or letters,
// digits, hyphens and dots. Digits and dots alone are a mistyped IP address.
func hostName(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	const letters = "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return len(text) <= 253 && strings.Trim(text, "."+letters+"0123456789") == "" &&
		strings.ContainsAny(text, letters) && !strings.HasPrefix(text, ".") && !strings.HasPrefix(text, "-") && !strings.Contains(text, "..")
}

// hostPort reports whether text names a host, with or without a port.
func hostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return hostName(strings.Trim(text, "[]"))
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil && hostName(host)
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// Trusted returns the networks of trusted_proxies.
func (l *Listener) Trusted() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range l.TrustedProxies {
		if p, err := parsePrefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func (v *validator) admin() {
	a := &v.config.Admin
	v.address("admin.address", a.Address, bindable)
	v.address("admin.probes", a.Probes, bindable)
	host, _, err := net.SplitHostPort(a.Address)
	if err == nil && a.Token == "" && !loopback(host) {
		v.report("admin.address", a.Address+" is reachable from other machines and there is no admin.token", "set a token, or bind to 127.0.0.1")
	}
	if a.Token != "" && len(a.Token) < 16 {
		v.report("admin.token", "is shorter than 16 characters", "use a random one, as from: openssl rand -hex 16")
	}
	for i, name := range a.Names {
		if !hostName(name) {
			v.report(indexed("admin.names", i), fmt.Sprintf("%q is no host name", name), "write it without scheme and port")
		}
	}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// binding is an address that this process listens on.
type binding struct{ path, host string }

// bindings reports addresses that cannot be bound together: the same port of
// the same host, or of all hosts.
func (v *validator) bindings() {
	byPort := map[uint64][]binding{}
	bind := func(path, address string) {
		host, text, err := net.SplitHostPort(address)
		port, portErr := strconv.ParseUint(text, 10, 16)
		if err != nil || portErr != nil || port == 0 {
			return
		}
		for _, other := range byPort[port] {
			if host == other.host || everyHost(host) || everyHost(other.host) {
				v.report(path, fmt.Sprintf("port %d is used by %s already", port, other.path), "use another port, or another address of this machine")
				return
			}
		}
		byPort[port] = append(byPort[port], binding{path, host})
	}
	bind("admin.address", v.config.Admin.Address)
	bind("admin.probes", v.config.Admin.Probes)
	for i, l := range v.config.Listeners {
		bind(indexed("listeners", i)+".address", l.Address)
	}
}

func everyHost(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
