package route

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"poise/internal/message"
)

// Key says what of a request the hash policies hash.
type Key struct {
	kind keyKind
	name string
}

type keyKind uint8

const (
	byIP keyKind = iota
	byPath
	byHeader
	byCookie
	byQuery
)

// ParseKey reads ip, path, header:NAME, cookie:NAME or query:NAME.
func ParseKey(text string) (*Key, error) {
	kind, name, named := strings.Cut(text, ":")
	kinds := map[string]keyKind{"ip": byIP, "path": byPath, "header": byHeader, "cookie": byCookie, "query": byQuery}
	k, known := kinds[kind]
	if !known || named != (k >= byHeader) || named && name == "" {
		return nil, fmt.Errorf("hash key %q: use ip, path, header:NAME, cookie:NAME or query:NAME", text)
	}
	if k == byHeader {
		name = strings.ToLower(name)
	}
	return &Key{k, name}, nil
}

// Hash returns the hash of a request's key, which is the same in every
// process, and whether the request has one.
func (k *Key) Hash(h *message.Head, remote []byte) (uint64, bool) {
	value := k.Value(h, remote)
	if value == nil {
		return 0, false
	}
	return HashKey(value), true
}

// HashKey returns the hash of a key's value.
func HashKey(value []byte) uint64 { return xxhash.Sum64(value) }

// Value returns a request's key, nil when it has none. remote is the peer's
// address.
func (k *Key) Value(h *message.Head, remote []byte) (value []byte) {
	switch k.kind {
	case byIP:
		return remote
	case byPath:
		return h.Path[:len(h.Path)-queryLen(h.Path)]
	case byHeader:
		for i := range h.Fields {
			if message.EqualFold(h.Fields[i].Name, k.name) {
				return h.Fields[i].Value
			}
		}
	case byCookie:
		return Cookie(h, k.name)
	case byQuery:
		if n := queryLen(h.Path); n > 0 {
			eachParameter(h.Path[len(h.Path)-n+1:], func(name, v []byte) bool {
				if equalDecoded(name, k.name) {
					value = v
				}
				return value == nil
			})
		}
	}
	return value
}

// Cookie returns the value of a cookie, without quotes, nil if there is none.
// HTTP/2 may split the field, so all of them are looked at.
func Cookie(h *message.Head, name string) []byte {
	for i := range h.Fields {
		if h.Fields[i].ID != message.Cookie {
			continue
		}
		for rest := h.Fields[i].Value; len(rest) > 0; {
			var pair []byte
			if j := bytes.IndexByte(rest, ';'); j >= 0 {
				pair, rest = rest[:j], rest[j+1:]
			} else {
				pair, rest = rest, nil
			}
			pair = bytes.TrimSpace(pair)
			if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
				return unquoted(pair[len(name)+1:])
			}
		}
	}
	return nil
}

func unquoted(v []byte) []byte {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}
