package conformance

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// readable are faults in chunks that leave no doubt about the data.
var readable = regexp.MustCompile(`space behind|^LF|NUL|^65 |folded|sign|notation|trailer`)

func cutAnswers() (all []Case) {
	const ids = "9112-8-1 9112-6.3-7"
	te := "Transfer-Encoding: chunked"
	for _, r := range []struct {
		name, bytes string
		end         End
	}{
		{"a length, no body", answer("", "Content-Length: 5"), HalfClose},
		{"a length, a part of the body", answer("abc", "Content-Length: 5"), HalfClose},
		{"a length, all but a byte", answer("abcd", "Content-Length: 5"), HalfClose},
		{"a length, a part of the body, reset", answer("abc", "Content-Length: 5"), Reset},
		{"a length, a part of a large body", answer(strings.Repeat("a", 300<<10), "Content-Length: 400000"), HalfClose},
		{"the largest length", answer("abc", "Content-Length: 9223372036854775807"), HalfClose},
		{"chunks, none", answer("", te), HalfClose},
		{"chunks, in the size", answer("1", te), HalfClose},
		{"chunks, behind the size", answer("5\r\n", te), HalfClose},
		{"chunks, in the data", answer("5\r\nabc", te), HalfClose},
		{"chunks, behind the data", answer("5\r\nabcde", te), HalfClose},
		{"chunks, before the last", answer("5\r\nabcde\r\n", te), HalfClose},
		{"chunks, in the last", answer("5\r\nabcde\r\n0", te), HalfClose},
		{"chunks, behind the last", answer("5\r\nabcde\r\n0\r\n", te), HalfClose},
		{"chunks, in the trailer", answer("5\r\nabcde\r\n0\r\nX: y", te), HalfClose},
		{"chunks, before the last empty line", answer("5\r\nabcde\r\n0\r\nX: y\r\n", te), HalfClose},
		{"chunks, reset behind the data", answer("5\r\nabcde\r\n", te), Reset},
		{"chunks, a large part", answer("493e0\r\n"+strings.Repeat("a", 200000), te), HalfClose},
		{"until the end, reset", answer("abcde"), Reset},
		{"HTTP/1.0, a part of the body", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabc", HalfClose},
		{"HTTP/1.0 with keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nabc", HalfClose},
	} {
		all = append(all, cutAnswer("answer cut/"+r.name, ids, Step{Bytes: r.bytes}, Step{Pause: 5 * time.Millisecond, End: r.end}))
	}
	return append(all, cutAnswer("answer cut/no answer", "9112-8-1", Step{End: HalfClose}), cutAnswer("answer cut/no answer, reset", "9112-8-1", Step{End: Reset}))
}

func brokenChunks() (all []Case) {
	const te = "Transfer-Encoding: chunked"
	for _, r := range []struct{ name, body string }{
		{"no size", "\r\nabcde\r\n0\r\n\r\n"},
		{"a size that is none", "zz\r\nabcde\r\n0\r\n\r\n"},
		{"a negative size", "-5\r\nabcde\r\n0\r\n\r\n"},
		{"a size with a sign", "+5\r\nabcde\r\n0\r\n\r\n"},
		{"a size in hex notation", "0x5\r\nabcde\r\n0\r\n\r\n"},
		{"a size beyond 2^63", "ffffffffffffffff\r\nabcde\r\n"},
		{"a size beyond 2^64", "100000000000000005\r\nabcde\r\n0\r\n\r\n"},
		{"a space behind the size", "5 \r\nabcde\r\n0\r\n\r\n"},
		{"LF behind the size", "5\nabcde\r\n0\r\n\r\n"},
		{"LF in an extension", "5;a\nabcde\r\n0\r\n\r\n"},
		{"CR behind the size", "5\rabcde\r\n0\r\n\r\n"},
		{"NUL in an extension", "5;\x00\r\nabcde\r\n0\r\n\r\n"},
		{"data too long", "3\r\nabcde\r\n0\r\n\r\n"},
		{"data too short", "9\r\nabcde\r\n0\r\n\r\n"},
		{"LF behind the data", "5\r\nabcde\n0\r\n\r\n"},
		{"nothing behind the data", "5\r\nabcde0\r\n\r\n"},
		{"LF behind the last chunk", "5\r\nabcde\r\n0\n\r\n"},
		{"LF at the end", "5\r\nabcde\r\n0\r\n\n"},
		{"a folded trailer", "5\r\nabcde\r\n0\r\nX: y\r\n z\r\n\r\n"},
		{"a trailer with NUL", "5\r\nabcde\r\n0\r\nX: \x00\r\n\r\n"},
		{"a trailer without a colon", "5\r\nabcde\r\n0\r\nX\r\n\r\n"},
		{"an answer for a trailer", "5\r\nabcde\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n"},
		{"65 trailer fields", "5\r\nabcde\r\n0\r\n" + strings.Repeat("X: y\r\n", 65) + crlf},
		{"a bad chunk behind a good one", "5\r\nabcde\r\nxyz\r\n"},
	} {
		c := cutAnswer("answer chunk/"+r.name, "9112-7.1-1 9112-8-1 9112-7.1-2", Step{Bytes: answer(r.body, te), End: HalfClose})
		c.Want.Read = readable.MatchString(r.name)
		all = append(all, c)
	}
	return all
}

// earlyAnswers come before the body of their request, in which there is what
// looks like a request. It must not become one when the answer is over.
func earlyAnswers() (all []Case) {
	inChunks := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden)
	length := fmt.Sprintf("Content-Length: %d", len(hidden))
	for _, r := range []struct {
		name, framing, body, expect string
	}{
		{"a body of a length", length, hidden, "X: y"},
		{"a body in chunks", "Transfer-Encoding: chunked", inChunks, "X: y"},
		{"to Expect, a body of a length", length, hidden, "Expect: 100-continue"},
		{"to Expect, a body in chunks", "Transfer-Encoding: chunked", inChunks, "Expect: 100-continue"},
	} {
		all = append(all, Case{
			Name: "early answer/" + r.name, IDs: "9112-9.3-3", Group: BadRequest, OnHead: true, Answer: say(answer("no", "Content-Length: 2")),
			Send: []Step{{Bytes: post(r.framing, r.expect)}, {Await: 1, Bytes: r.body}},
			Want: Want{Hidden: true, See: &See{Requests: anyNumber}, Get: &Get{Body: new("no")}},
		})
	}
	return all
}

const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

// lateBytes are answers that are good and have more behind them: the client
// gets the good one, nobody ever gets the rest.
func lateBytes() (all []Case) {
	const ids = "9112-6.3-10 9112-9.2-2"
	good := answer("abc", "Content-Length: 3")
	for _, r := range []struct {
		name  string
		steps []Step
	}{
		{"a second answer", say(good + evil)},
		{"a second answer in its own write", []Step{{Bytes: good}, {Bytes: evil}}},
		{"a second answer later", []Step{{Bytes: good}, {Pause: 5 * time.Millisecond, Bytes: evil}}},
		{"many answers", say(good + strings.Repeat(evil, 20))},
		{"a body longer than its length", say(answer("abcdef", "Content-Length: 3"))},
		{"a byte", say(good + "x")},
		{"an empty line", say(good + crlf)},
		{"an interim answer", say(good + "HTTP/1.1 100 Continue\r\n\r\n")},
		{"garbage behind chunks", say(answer("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked") + "garbage")},
		{"a second answer behind chunks", say(answer("3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked") + evil)},
		{"a second answer behind close", say(answer("abc", "Content-Length: 3", "Connection: close") + evil)},
		{"a chunk behind the last", say(answer("3\r\nabc\r\n0\r\n\r\n4\r\nevil\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))},
	} {
		all = append(all, Case{Name: "late/" + r.name, IDs: ids, Group: BadAnswer, Send: say(get()), Answer: r.steps, Want: Want{Get: &Get{Body: new("abc")}}})
	}
	return all
}

// bodiless are answers that have a body where none can be.
func bodiless() (all []Case) {
	const ids = "9112-6.1-5"
	for _, r := range []struct {
		name, request, bytes string
		status               int
	}{
		{"204 with a length", get(), "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil", 204},
		{"204 with chunks", get(), "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", 204},
		{"204 with an answer", get(), "HTTP/1.1 204 No Content\r\n\r\n" + evil, 204},
		{"204 with a length of an answer", get(), fmt.Sprintf("HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n%s", len(evil), evil), 204},
		{"304 with a body", get(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", 304},
		{"304 with chunks", get(), "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n", 304},
		{"304 with an answer", get(), "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n" + evil, 304},
		{"HEAD with a body", with("HEAD", nil), answer("evil", "Content-Length: 4"), 200},
		{"HEAD with chunks", with("HEAD", nil), answer("4\r\nevil\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 200},
		{"HEAD with a body until the end", with("HEAD", nil), answer("evil"), 200},
		{"HEAD with an answer", with("HEAD", nil), answer("", "Content-Length: 4") + evil, 200},
		{"HEAD answered 404 with a body", with("HEAD", nil), "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nevil", 404},
	} {
		all = append(all, Case{
			Name: "bodiless/" + r.name, IDs: ids + " 9110-9.3.2-1 9110-6-1 9112-6.3-10 9112-9.2-2", Group: BadAnswer, Send: say(r.request), Answer: say(r.bytes),
			Want: Want{Get: &Get{Status: r.status, Body: new(""), Gone: []string{"Transfer-Encoding"}}},
		})
	}
	return all
}

func interims() (all []Case) {
	flood := strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 500)
	hints := strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 100)
	all = []Case{
		cutAnswer("interim/500 of them", "", Step{Bytes: flood + evil}),
		cutAnswer("interim/100 early hints", "", Step{Bytes: hints + evil}),
		cutAnswer("interim/and no final answer", "9112-8-1", Step{Bytes: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", End: HalfClose}),
		cutAnswer("interim/100 and no final answer", "9112-8-1", Step{Bytes: "HTTP/1.1 100 Continue\r\n\r\n", End: HalfClose}),
		cutAnswer("interim/and a broken final one", "", Step{Bytes: "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 2000 OK\r\n\r\n", End: HalfClose}),
		cutAnswer("interim/broken by LF", "9112-2.2-3", Step{Bytes: "HTTP/1.1 103 Early Hints\nLink: a\n\n" + evil, End: HalfClose}),
		cutAnswer("interim/with NUL", "9110-5.5-2", Step{Bytes: "HTTP/1.1 103 Early Hints\r\nLink: \x00\r\n\r\n" + evil, End: HalfClose}),
		cutAnswer("interim/with a body", "9112-6.1-5", Step{Bytes: "HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\nbody" + evil, End: HalfClose}),
		cutAnswer("interim/with chunks", "9112-6.1-5", Step{Bytes: "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n" + evil, End: HalfClose}),
		cutAnswer("interim/with two lengths", "9112-6.3-4", Step{Bytes: "HTTP/1.1 102 Processing\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + evil, End: HalfClose}),
	}
	for i := range all {
		all[i].Want.Read = strings.HasSuffix(all[i].Answer[0].Bytes, evil) // a final answer is there
	}
	return all
}

// switches are tunnels that nobody asked for, or that are not what was asked.
func switches() (all []Case) {
	const ids = "9110-7.8-3"
	ask := get("Connection: Upgrade", "Upgrade: websocket")
	granted := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	for _, r := range []struct{ name, ids, request, bytes string }{
		{"unasked", ids, get(), granted + evil},
		{"unasked, without fields", ids, get(), "HTTP/1.1 101 Switching Protocols\r\n\r\n" + evil},
		{"unasked by HTTP/1.0", ids + " 9110-7.8-7", "GET / HTTP/1.0\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", granted + evil},
		{"unasked, to a POST with a body", ids, post("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3") + "abc", granted + evil},
		{"unasked, h2c", ids, get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"), strings.Replace(granted, "websocket", "h2c", 1) + evil},
		{"to another protocol", ids, ask, strings.Replace(granted, "websocket", "h2c", 1) + evil},
		{"to one that was not in the list", ids, get("Connection: Upgrade", "Upgrade: a, b"), strings.Replace(granted, "websocket", "c", 1) + evil},
		{"without Upgrade", "9110-15.2.2-1 9110-7.8-1", ask, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n" + evil},
		{"with an empty Upgrade", "9110-15.2.2-1 9110-7.8-1", ask, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade:\r\n\r\n" + evil},
		{"without Connection", "9110-7.8-6", ask, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + evil},
		{"in HTTP/1.0", ids, ask, strings.Replace(granted, "HTTP/1.1", "HTTP/1.0", 1) + evil},
		{"behind an interim answer, unasked", ids, get(), "HTTP/1.1 103 Early Hints\r\n\r\n" + granted + evil},
	} {
		c := badAnswer("switch/"+r.name, r.ids, r.bytes).to(r.request)
		all = append(all, c)
	}
	for name, field := range map[string]string{"with a length": "Content-Length: 4", "with chunks": "Transfer-Encoding: chunked"} { // 101 has no body, whatever it says
		c := badAnswer("switch/"+name, "9112-6.1-5", strings.Replace(granted, crlf, crlf+field+crlf, 1)+"4\r\nevil\r\n0\r\n\r\n").to(ask)
		c.Want = Want{Get: &Get{Status: 101, Tunnel: "4\r\nevil\r\n0\r\n\r\n", Gone: []string{"Content-Length", "Transfer-Encoding"}}}
		all = append(all, c)
	}
	return sorted(all)
}
