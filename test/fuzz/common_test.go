package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"poise/internal/http1"
	"poise/internal/message"
	"poise/test/conformance/strict"
)

// longest bounds an input: every split of it is tried.
const longest = 2 << 10

// exception is a fault of another reader in what http1 takes on purpose.
type exception struct{ begins, why string }

// blankBefore begins the fault of strict in a size that white space follows.
const blankBefore = "the chunk size"

func excused(err error, list []exception) bool {
	text := err.Error()
	return slices.ContainsFunc(list, func(e exception) bool {
		if e.begins == blankBefore && !strings.HasSuffix(text, ` "`) && !strings.HasSuffix(text, `\t"`) {
			return false
		}
		return strings.HasPrefix(text, e.begins)
	})
}

var chunkExceptions = []exception{
	{"the chunk extension", "extensions are dropped unread, and no byte of them can end the line"},
	{blankBefore, "white space in front of an extension is dropped"},
	{"the field ", "a field that must not be a trailer is dropped, never merged"},
}

var hopByHop = []string{
	"host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "upgrade", "te", "expect",
}

// endToEnd lists the fields that a proxy passes on, of what strict read.
func endToEnd(m *strict.Message, fields []strict.Field) (list []strict.Field) {
	for _, f := range fields {
		if !slices.Contains(hopByHop, strings.ToLower(f.Name)) && !m.Lists("Connection", f.Name) {
			list = append(list, f)
		}
	}
	return list
}

func asStrict(fields []message.Field) (list []strict.Field) {
	for _, f := range fields {
		if !slices.Contains(hopByHop, strings.ToLower(string(f.Name))) {
			list = append(list, strict.Field{Name: string(f.Name), Value: string(f.Value)})
		}
	}
	return list
}

// decoded is a chunked body.
type decoded struct {
	data     []byte
	trailers []strict.Field
	used     int
	done     bool
	fault    string
}

func (d decoded) String() string {
	return fmt.Sprintf("%q %q %d %t %s", d.data, d.trailers, d.used, d.done, d.fault)
}

// unchunk feeds b to http1 in two pieces.
func unchunk(t *testing.T, b []byte, split int) (d decoded) {
	t.Helper()
	before := bytes.Clone(b)
	var c http1.Chunks
	for end := split; ; {
		data, n, done, err := c.Next(b[d.used:end])
		d.data, d.used = append(d.data, data...), d.used+n
		if err != nil {
			d.fault = err.Error()
			if !errors.Is(err, http1.ErrMalformed) {
				t.Fatalf("%v is no ErrMalformed", err)
			}
			d.used = 0 // is nobody's business after a fault
			break
		}
		if d.done = done; done {
			d.trailers = asStrict(c.Trailers())
			break
		}
		if n == 0 || d.used == end {
			if end == len(b) {
				break
			}
			end = len(b)
		}
	}
	if !bytes.Equal(before, b) {
		t.Fatalf("%q was written to: %q", before, b)
	}
	return d
}

// chunked is a body as the proxy sends it on.
func chunked(d decoded) []byte {
	var out []byte
	if len(d.data) > 0 {
		out = append(append(http1.AppendChunkSize(out, len(d.data)), d.data...), "\r\n"...)
	}
	var fields []message.Field
	for _, f := range d.trailers {
		fields = append(fields, message.Field{Name: []byte(f.Name), Value: []byte(f.Value), ID: message.LookUp([]byte(f.Name))})
	}
	return http1.AppendLastChunk(out, fields)
}
