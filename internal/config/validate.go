package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// validator judges what a document means, once it could be read.
type validator struct {
	config *Config
	report func(path, what, hint string)
	said   map[string]bool // paths that were judged already, as in decoder
}

func (v *validator) all() {
	eachField(reflect.ValueOf(v.config), "", v.field)
	v.unique("listeners", "address", len(v.config.Listeners), func(i int) string { return v.config.Listeners[i].Address })
	v.unique("clusters", "name", len(v.config.Clusters), func(i int) string { return v.config.Clusters[i].Name })
	v.unique("routes", "name", len(v.config.Routes), func(i int) string { return v.config.Routes[i].Name })
	for i := range v.config.Listeners {
		v.listener(indexed("listeners", i), &v.config.Listeners[i])
	}
	for i := range v.config.Clusters {
		v.cluster(indexed("clusters", i), &v.config.Clusters[i])
	}
	for i := range v.config.Routes {
		v.route(indexed("routes", i), &v.config.Routes[i])
	}
	if len(v.config.Routes) == 0 && len(v.config.Clusters) > 1 && !v.said["routes"] {
		v.report("clusters", "there are several clusters and no routes", "add routes that say which requests go to which cluster")
	}
	v.engine()
	v.admin()
	v.bindings()
}

// field checks what the tags of a field ask for.
func (v *validator) field(path string, f fieldInfo, value reflect.Value) {
	switch value.Kind() {
	case reflect.String, reflect.Slice:
		if value.Len() == 0 && f.required != "" {
			v.report(path, "is missing", f.required)
		}
	case reflect.Int:
		if value.Int() < 0 {
			v.report(path, "is negative", "use 0 or more")
		}
	}
	if value.Kind() == reflect.String && value.Len() == 0 && f.fallback != "" {
		v.report(path, "is empty", "leave it out for the default, "+f.fallback)
	}
	eachText(path, value, func(path, text string) {
		if strings.ContainsFunc(text, isControl) {
			v.report(path, "holds a control character", "take out line breaks and the like")
		}
	})
	if f.enum != nil && !(value.IsZero() && f.fallback == "") {
		v.enum(path, f, value)
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// eachText calls f for every text that a field holds by itself.
func eachText(path string, value reflect.Value, f func(path, text string)) {
	switch x := value.Interface().(type) {
	case string:
		f(path, x)
	case []string:
		for i, text := range x {
			f(indexed(path, i), text)
		}
	case map[string]string:
		for key, text := range x {
			f(join(path, key), text)
		}
	}
}

// enum checks a field that allows certain values only.
func (v *validator) enum(path string, f fieldInfo, value reflect.Value) {
	check := func(path, text string) {
		switch {
		case slices.Contains(f.enum, text):
		case f.key == "protocols" || f.key == "protocol":
			v.protocol(path, text)
		default:
			v.report(path, fmt.Sprintf("%q is not allowed here", text), oneOf(text, f.enum))
		}
	}
	if value.Kind() == reflect.Int {
		check(path, fmt.Sprint(value.Int()))
		return
	}
	eachText(path, value, check)
}

func (v *validator) protocol(path, text string) {
	if slices.Contains([]string{"h2", "h2c", "h3"}, text) {
		v.report(path, "not built yet", "only http1 is; take it out")
		return
	}
	v.report(path, fmt.Sprintf("%q is no protocol", text), "use http1")
}

func (v *validator) unique(path, key string, n int, get func(int) string) {
	seen := map[string]int{}
	for i := range n {
		text := get(i)
		if first, ok := seen[text]; ok && text != "" {
			v.report(indexed(path, i)+"."+key, fmt.Sprintf("%q is used by %s already", text, indexed(path, first)), "use another")
			continue
		}
		seen[text] = i
	}
}

func (v *validator) positive(path string, n int64) {
	if n <= 0 {
		v.report(path, "must be more than 0", "leave it out for the default")
	}
}

func (v *validator) atMost(path string, n, most int64, text string) {
	if n > most {
		v.report(path, "is too large", "at most "+text)
	}
}

// target checks a path that may be followed by a query.
func (v *validator) target(path, text string) {
	switch {
	case text == "":
	case text[0] != '/':
		v.report(path, fmt.Sprintf("%q does not begin with /", text), "write /"+text)
	case strings.ContainsAny(text, " #"):
		v.report(path, fmt.Sprintf("%q holds what a path cannot", text), "write a space as %20 and # as %23")
	}
}

// rooted checks a path without a query.
func (v *validator) rooted(path, text string) {
	v.target(path, text)
	if strings.Contains(text, "?") {
		v.report(path, fmt.Sprintf("%q holds a query", text), "write the path alone, a ? in it as %3F")
	}
}

// token checks the name of a field, a cookie or a method.
func (v *validator) token(path, text, what string) {
	if text == "" || strings.Trim(text, tokenBytes) != "" {
		v.report(path, fmt.Sprintf("%q is no %s", text, what), "use letters, digits, hyphens and underscores")
	}
}

const tokenBytes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" //nolint:gosec // an alphabet, no credential

func (v *validator) listener(path string, l *Listener) {
	v.address(path+".address", l.Address, bindable)
	if len(l.Protocols) == 0 {
		v.report(path+".protocols", "is empty", "leave it out for the default, http1")
	}
	for i, p := range l.TrustedProxies {
		if _, err := parsePrefix(p); err != nil {
			v.report(indexed(path+".trusted_proxies", i), fmt.Sprintf("%q is no network", p), "write it as in 10.0.0.0/8")
		}
	}
	limits := path + ".limits"
	v.positive(limits+".request_line", int64(l.Limits.RequestLine))
	v.positive(limits+".header_bytes", int64(l.Limits.HeaderBytes))
	v.positive(limits+".fields", int64(l.Limits.Fields))
	v.positive(limits+".connections", int64(l.Limits.Connections))
	v.positive(limits+".header_timeout", int64(l.Limits.HeaderTimeout))
	v.positive(limits+".body_between", int64(l.Limits.BodyBetween))
	v.positive(limits+".keepalive", int64(l.Limits.Keepalive))
	v.atMost(limits+".header_bytes", int64(l.Limits.HeaderBytes), 1<<20, "1MiB")
	v.atMost(limits+".request_line", int64(l.Limits.RequestLine), 1<<20, "1MiB")
}
