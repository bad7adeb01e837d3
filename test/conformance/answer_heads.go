package conformance

import (
	"fmt"
	"strings"
)

// badAnswer is an answer that must become a 502.
func badAnswer(name, ids, bytes string) Case {
	return Case{
		Name: name, IDs: ids, Group: BadAnswer, Send: say(get()),
		Answer: []Step{{Bytes: bytes, End: HalfClose}}, Want: Want{Refuse: 502},
	}
}

// cutAnswer is an answer that must be seen to break off.
func cutAnswer(name, ids string, steps ...Step) Case {
	return Case{Name: name, IDs: ids, Group: BadAnswer, Send: say(get()), Answer: steps, Want: Want{Cut: true}}
}

func (c Case) to(requests ...string) Case {
	c.Send = say(requests...)
	return c
}

const okay = "HTTP/1.1 200 OK\r\n"

// answer is an answer with the given field lines.
func answer(body string, lines ...string) string {
	return okay + section(lines) + body
}

func statusLines() (all []Case) {
	const ids = "9112-2.3-1"
	rest := "Content-Length: 2\r\n\r\nab"
	for _, line := range []string{
		"HTTP/1.1 200OK", "HTTP/1.1200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 0200 OK", "HTTP/1.1 000 OK", "HTTP/1.1 099 OK", "HTTP/1.1 600 OK", "HTTP/1.1 999 OK",
		"HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 -200 OK", "HTTP/1.1 +200 OK", "HTTP/1.1 2x0 OK", "HTTP/1.1 OK", "HTTP/1.1 ", "HTTP/1.1",
		"http/1.1 200 OK", "HTTP/2.0 200 OK", "HTTP/0.9 200 OK", "HTTP/3 200 OK", "HTTP/1.10 200 OK", "HTTP/1 200 OK", "HTTP 200 OK", "ICY 200 OK", "RTSP/1.0 200 OK", "200 OK", " HTTP/1.1 200 OK", "XHTTP/1.1 200 OK",
		"HTTP/1.1 200 O\x00K", "HTTP/1.1 200 O\x07K", "HTTP/1.1 200 O\x7fK", "HTTP/1.1 200 OK\r", "HTTP/1.1 200 O\rK",
	} {
		all = append(all, badAnswer(fmt.Sprintf("status line/%q", line), ids, line+crlf+rest))
	}
	return append(all,
		badAnswer("status line/LF behind it", "9112-2.2-3", "HTTP/1.1 200 OK\n"+rest),
		badAnswer("status line/CR behind it", "9112-2.2-3", "HTTP/1.1 200 OK\rX: y\r\n"+rest),
		badAnswer("status line/an empty line before it", ids, crlf+okay+rest),
		badAnswer("status line/garbage", ids, "\x15\x03\x01\x00\x02\x02\x28\r\n\r\n"),
		badAnswer("status line/a page without a head", ids, "<html><body>hello</body></html>\r\n\r\n"),
		badAnswer("status line/the banner of another protocol", ids, "SSH-2.0-OpenSSH_9.2\r\n"),
		badAnswer("status line/a request for an answer", ids, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		badAnswer("status line/a reason of 9 KiB", "", "HTTP/1.1 200 "+strings.Repeat("a", 9<<10)+crlf+rest),
		badAnswer("status line/a reason without end", "", "HTTP/1.1 200 "+strings.Repeat("a", 70<<10)),
		badAnswer("status line/cut in the version", "9112-8-1", "HTTP/1"),
		badAnswer("status line/cut behind the status", "9112-8-1", "HTTP/1.1 200"),
		badAnswer("status line/cut behind its end", "9112-8-1", okay),
	)
}

func answerLengths() (all []Case) {
	const ids = "9112-6.3-4 9112-6.3-6"
	for _, v := range []string{"", "+2", "-2", "-1", "2.0", "0x2", "2;", "2 2", "two", `"2"`, "2,3", "2,", ",2", "2\x00", "2\x0b", "\xef\xbc\x92", "9223372036854775808", "18446744073709551618"} {
		all = append(all, badAnswer(fmt.Sprintf("answer length/value %q", v), ids, answer("ab", "Content-Length: "+v)))
	}
	for _, v := range []string{"2, 2", "2,2"} {
		c := badAnswer(fmt.Sprintf("answer length/list %q", v), ids, answer("ab", "Content-Length: "+v))
		all = append(all, c.why(sameLengths))
	}
	return append(all,
		badAnswer("answer length/twice", ids, answer("abc", "Content-Length: 2", "Content-Length: 3")),
		badAnswer("answer length/twice, none first", ids, answer("ab", "Content-Length: 0", "Content-Length: 2")),
		badAnswer("answer length/twice the same", ids, answer("ab", "Content-Length: 2", "Content-Length: 2")).why(sameLengths),
		badAnswer("answer length/twice in other case", ids, answer("ab", "Content-Length: 2", "CONTENT-LENGTH: 20")),
		badAnswer("answer length/hidden by Connection", ids, answer("ab", "Connection: content-length", "Content-Length: 2", "Content-Length: 1")),
	)
}

func answerCodings() (all []Case) {
	const ids = "9112-6.1-4 9112-6.3-6"
	chunks := "2\r\nab\r\n0\r\n\r\n"
	unknown := "RFC 9112 section 6.1: codings are for the connection; Poise asks for none, and cannot take these off"
	for _, v := range []string{"xchunked", "chunked, gzip", "gzip, chunked", "gzip", "identity", "chunked, chunked", "chunked;a=b", "\"chunked\"", "chunked\x0b", "", "chunked,", "x", "chunked, identity"} {
		all = append(all, badAnswer(fmt.Sprintf("answer coding/%q", v), ids, answer(chunks, "Transfer-Encoding: "+v)).why(unknown))
	}
	te := "Transfer-Encoding: chunked"
	both := "RFC 9112 section 6.3: an answer with both ought to be handled as an error"
	return append(all,
		badAnswer("answer coding/behind a length", "9112-6.3-2 9112-6.2-1", answer(chunks, "Content-Length: 2", te)).why(both),
		badAnswer("answer coding/before a length", "9112-6.3-2 9112-6.2-1", answer(chunks, te, "Content-Length: 2")).why(both),
		badAnswer("answer coding/beside a right length", "9112-6.3-2", answer(chunks, te, fmt.Sprintf("Content-Length: %d", len(chunks)))).why(both),
		badAnswer("answer coding/twice", ids, answer(chunks, te, te)),
		badAnswer("answer coding/twice with identity", ids, answer(chunks, te, "Transfer-Encoding: identity")),
		badAnswer("answer coding/in HTTP/1.0", "9112-6.1-11", "HTTP/1.0 200 OK\r\n"+te+"\r\n\r\n"+chunks),
		badAnswer("answer coding/in HTTP/1.0 with a length", "9112-6.1-11", "HTTP/1.0 200 OK\r\n"+te+"\r\nContent-Length: 2\r\n\r\n"+chunks),
		badAnswer("answer coding/space before the colon", "9112-5.1-2", answer(chunks, "Transfer-Encoding : chunked")),
		badAnswer("answer coding/folded", "9112-5.2-3", answer(chunks, "Transfer-Encoding:\r\n chunked")),
		badAnswer("answer coding/behind a bare LF", "9112-2.2-3", answer(chunks, "X: y\nTransfer-Encoding: chunked")),
	)
}

func answerFields() (all []Case) {
	rest := "Content-Length: 2"
	fold := "RFC 9112 section 5.2 lets a gateway discard the answer and send 502"
	space := "RFC 9112 section 5.1 has the space removed before the answer is forwarded; it is not forwarded, as it breaks the grammar (section 2.2)"
	for _, r := range []struct{ name, ids, line, why string }{
		{"space before a colon", "9112-5.1-2", "X : y", space},
		{"tab before a colon", "9112-5.1-2", "X\t: y", space},
		{"folded by a space", "9112-5.2-3", "X: y\r\n z", fold},
		{"folded by a tab", "9112-5.2-3", "X: y\r\n\tz", fold},
		{"a bare LF in a value", "9112-2.2-3 9110-5.5-2", "X: a\nSet-Cookie: evil=1", ""},
		{"a bare CR in a value", "9112-2.2-3 9110-5.5-2", "X: a\rSet-Cookie: evil=1", ""},
		{"two CRs behind a value", "9112-2.2-3", "X: a\r", ""},
		{"a bare LF in Location", "9110-5.5-2", "Location: /\nX: y", ""},
		{"NUL in a value", "9110-5.5-2", "X: a\x00b", ""},
		{"bell in a value", "9110-5.5-2", "X: a\x07b", ""},
		{"escape in a value", "9110-5.5-2", "X: a\x1bb", ""},
		{"DEL in a value", "9110-5.5-2", "X: a\x7fb", ""},
		{"NUL in a name", "9112-5.1-2", "X\x00: y", ""},
		{"no name", "9112-5.1-2", ": y", ""},
		{"no colon", "9112-5.1-2", "X", ""},
		{"a name with a space", "9112-5.1-2", "X Y: z", ""},
		{"a name beyond ASCII", "9112-5.1-2", "\xff: z", ""},
		{"Connection is no list", "9110-7.6.1-2", "Connection: a b", ""},
	} {
		all = append(all, badAnswer("answer field/"+r.name, r.ids, answer("ab", r.line, rest)).why(r.why))
	}
	many := strings.TrimSuffix(strings.Repeat("X: y\r\n", 101), crlf)
	large := strings.TrimSuffix(strings.Repeat("X: "+strings.Repeat("y", 1000)+crlf, 70), crlf)
	return append(all,
		badAnswer("answer field/white space before the first", "9112-2.2-5", okay+" X: y\r\nContent-Length: 2\r\n\r\nab"),
		badAnswer("answer field/101 of them", "", answer("ab", many, rest)),
		badAnswer("answer field/70 KiB of them", "", answer("ab", large, rest)),
		badAnswer("answer field/a value of 70 KiB", "", answer("ab", "X: "+strings.Repeat("y", 70<<10), rest)),
		badAnswer("answer field/LF ends the head", "9112-2.2-3", okay+"Content-Length: 2\r\n\nab"),
		badAnswer("answer field/LF everywhere", "9112-2.2-3", "HTTP/1.1 200 OK\nContent-Length: 2\n\nab").why("RFC 9112 section 2.2 makes it a MAY to take LF alone"),
		badAnswer("answer field/cut in a name", "9112-8-1", okay+"Conte"),
		badAnswer("answer field/cut in a value", "9112-8-1", okay+"Content-Length: 2"),
		badAnswer("answer field/cut before the empty line", "9112-8-1", okay+"Content-Length: 2\r\n"),
		badAnswer("answer field/cut in the empty line", "9112-8-1", okay+"Content-Length: 2\r\n\r"),
	)
}
