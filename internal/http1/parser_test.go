package http1

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"poise/internal/message"
)

// verdict is everything that a parse says.
type verdict struct {
	n       int
	refusal *message.Refusal
	head    message.Head
}

// String lists all of it, so that two verdicts can be compared as text.
func (v verdict) String() string {
	if v.refusal != nil {
		return v.refusal.Error()
	}
	h := &v.head
	return fmt.Sprintf("%d bytes: %q %q %q %q HTTP/%d.%d %d %q fields %s, framing %d %d, upgrade %q, trailers %t, expect %t, close %t",
		v.n, h.Method, h.Scheme, h.Authority, h.Path, h.Major, h.Minor, h.Status, h.Reason,
		fieldText(h.Fields), h.Framing, h.Length, h.Upgrade, h.Trailers, h.Expect, h.Close)
}

func fieldText(fields []message.Field) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "[%s=%s]", f.Name, f.Value)
		if f.ID != message.LookUp(f.Name) {
			b.WriteString("(wrong id)")
		}
	}
	return b.String()
}

// parse is Request, or Response to the method.
type parse func(p *HeadParser, buf []byte, h *message.Head) (int, *message.Refusal)

func asRequest(l Limits) parse {
	return func(p *HeadParser, buf []byte, h *message.Head) (int, *message.Refusal) {
		return p.Request(buf, l, h)
	}
}

func asResponse(method string, l Limits) parse {
	return func(p *HeadParser, buf []byte, h *message.Head) (int, *message.Refusal) {
		n, err := p.Response(buf, l, []byte(method), h)
		if err == nil {
			return n, nil
		}
		r, ok := errors.AsType[*message.Refusal](err)
		if !ok || !errors.Is(err, ErrMalformed) {
			panic(fmt.Sprintf("%v is no ErrMalformed with a reason", err))
		}
		return n, r
	}
}

// whole parses all bytes at once.
func whole(b []byte, f parse) verdict {
	var v verdict
	v.n, v.refusal = f(new(HeadParser), b, &v.head)
	return v
}

// slowly parses a byte more each time.
func slowly(b []byte, f parse) verdict {
	var v verdict
	var p HeadParser
	for i := range len(b) + 1 {
		if v.n, v.refusal = f(&p, b[:i], &v.head); v.n > 0 || v.refusal != nil {
			break
		}
	}
	return v
}

// moving parses a byte more each time, out of a buffer that doubles and whose
// old memory is lost.
func moving(b []byte, f parse) verdict {
	var v verdict
	var p HeadParser
	buf := make([]byte, 0, 1)
	v.n, v.refusal = f(&p, buf, &v.head)
	for i := range b {
		if len(buf) == cap(buf) {
			grown := append(make([]byte, 0, 2*cap(buf)), buf...)
			clear(buf)
			buf = grown
			p.Reset()
		}
		buf = append(buf, b[i])
		if v.n, v.refusal = f(&p, buf, &v.head); v.n > 0 || v.refusal != nil {
			break
		}
	}
	return v
}

// everyWay parses b in all ways, which must agree, and returns the verdict.
func everyWay(t *testing.T, b []byte, f parse) verdict {
	t.Helper()
	v := whole(b, f)
	for way, other := range map[string]verdict{"byte by byte": slowly(b, f), "in a buffer that moves": moving(b, f)} {
		if other.String() != v.String() {
			t.Errorf("%q\nat once: %v\n%s: %v", clip(b), v, way, other)
		}
	}
	return v
}

func clip(b []byte) []byte { return b[:min(len(b), 500)] }

func TestAnIncompleteHeadIsNeitherAcceptedNorRefused(t *testing.T) {
	for _, tt := range []struct {
		text string
		f    parse
	}{
		{"\r\n" + browser, asRequest(Limits{})},
		{answer200, asResponse("GET", Limits{})},
	} {
		for i := range len(tt.text) {
			if v := whole([]byte(tt.text[:i]), tt.f); v.n != 0 || v.refusal != nil {
				t.Fatalf("%q: %v", tt.text[:i], v)
			}
		}
		if v := whole([]byte(tt.text+"more"), tt.f); v.n != len(tt.text) {
			t.Errorf("%q: %v", tt.text, v)
		}
	}
}

// A bad byte in the middle of a line must not have to wait for its end.
func TestABadByteIsRefusedAsSoonAsItIsSeen(t *testing.T) {
	const line = "GET / HTTP/1.1\r\n"
	for _, text := range []string{
		"\x16", "GET\t", "GET /\x00", "GET / X", "GET / HTTP/2", "GET / HTTP/1.1\n", "GET / HTTP/1.1\rX",
		line + " ", line + ":", line + "A ", line + "A:\x00", line + "A: b\n", line + "A: b\rc", line + "\rx", line + "A: \x7f",
	} {
		b := []byte(text)
		if v := whole(b[:len(b)-1], asRequest(Limits{})); v.refusal != nil {
			t.Errorf("%q is refused before its last byte: %v", text, v)
		}
		if v := everyWay(t, b, asRequest(Limits{})); v.refusal == nil {
			t.Errorf("%q is not refused yet", text)
		}
	}
}

func TestTheParserIsUsedAgainAfterReset(t *testing.T) {
	var p HeadParser
	var h message.Head
	for range 3 {
		p.Reset()
		if n, r := p.Request([]byte(browser), Limits{}, &h); n != len(browser) || r != nil || len(h.Fields) != 3 {
			t.Fatalf("%d %v %+v", n, r, h)
		}
		p.Reset()
		if n, err := p.Response([]byte(answer200), Limits{}, []byte("GET"), &h); n != len(answer200) || err != nil || len(h.Method) > 0 {
			t.Fatalf("%d %v %+v", n, err, h)
		}
	}
}

// A parser that began each call at the start would look at 2 GB here.
func TestASlowHeadCostsNoMoreThanItsBytes(t *testing.T) {
	b := []byte("GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 60<<10) + "\r\n\r\n")
	var p HeadParser
	var h message.Head
	for i := range b {
		before := p.at
		n, r := p.Request(b[:i+1], Limits{}, &h)
		if r != nil || n > 0 != (i == len(b)-1) {
			t.Fatalf("at %d: %d %v", i, n, r)
		}
		if p.at < before || i-p.at > len("HTTP/1.1\r\n") {
			t.Fatalf("at byte %d the parser stands at %d, before at %d", i, p.at, before)
		}
	}
}

func TestSlicesOfAHeadCannotGrowIntoTheBuffer(t *testing.T) {
	b := []byte(browser)
	v := whole(b, asRequest(Limits{}))
	for _, s := range [][]byte{v.head.Method, v.head.Path, v.head.Fields[0].Name, v.head.Fields[0].Value} {
		_ = append(s, "overwritten"...)
	}
	if !bytes.Equal(b, []byte(browser)) {
		t.Errorf("the buffer now reads %q", b)
	}
}
