package proxy

import (
	"strings"
	"testing"

	"poise/internal/message"
)

func TestHopsThatAreLeft(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		values       []string
		want         int64
		refused      bool
	}{
		{"no field", "OPTIONS", nil, -1, false},
		{"three", "OPTIONS", []string{"3"}, 3, false},
		{"none", "OPTIONS", []string{"0"}, 0, false},
		{"zeros in front", "OPTIONS", []string{"007"}, 7, false},
		{"beyond all bounds", "OPTIONS", []string{strings.Repeat("9", 40)}, 1<<31 - 1, false},
		{"another method", "GET", []string{"0"}, -1, false},
		{"no number", "OPTIONS", []string{"x"}, 0, true},
		{"a sign", "OPTIONS", []string{"-1"}, 0, true},
		{"empty", "OPTIONS", []string{""}, 0, true},
		{"two", "OPTIONS", []string{"1", "1"}, 0, true},
	} {
		h := message.Head{Method: []byte(tt.method), Fields: []message.Field{{Name: []byte("Accept")}}}
		for _, v := range tt.values {
			h.Fields = append(h.Fields, message.Field{Name: []byte("MAX-Forwards"), Value: []byte(v)})
		}
		got, r := hopsLeft(&h)
		if got != tt.want || (r != nil) != tt.refused {
			t.Errorf("%s: %d, %v", tt.name, got, r)
		}
	}
}
