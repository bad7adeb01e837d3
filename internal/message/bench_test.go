package message

import (
	"bytes"
	"testing"
)

// BenchmarkLookUp finds the ids of the 20 fields that a browser sends: by
// length and bytes, and by what the plain form would be, a map of names in
// lower case.
func BenchmarkLookUp(b *testing.B) {
	names := bytes.Fields([]byte("Host Connection Cache-Control sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform DNT Upgrade-Insecure-Requests User-Agent Accept " +
		"Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-User Sec-Fetch-Dest Referer Accept-Encoding Accept-Language If-None-Match Priority Cookie"))
	b.Run("length and bytes", func(b *testing.B) {
		for b.Loop() {
			for _, n := range names {
				LookUp(n)
			}
		}
	})
	ids := map[string]FieldID{}
	for id := Connection; id < fieldCount; id++ {
		ids[fieldNames[id]] = id
	}
	byMap := func(name []byte) FieldID {
		var lower [32]byte
		for i, c := range name {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			lower[i] = c
		}
		return ids[string(lower[:len(name)])]
	}
	for _, n := range names {
		if byMap(n) != LookUp(n) {
			b.Fatalf("%s is %d by the map and %d by its length", n, byMap(n), LookUp(n))
		}
	}
	b.Run("map", func(b *testing.B) {
		for b.Loop() {
			for _, n := range names {
				byMap(n)
			}
		}
	})
}
