package conformance

import (
	"fmt"
	"strings"
	"time"
)

func oddBodies() (all []Case) {
	body := func(name, ids, bytes, want string, gone ...string) {
		all = append(all, odd("body/"+name, ids, bytes, See{Body: new(want), Gone: gone}))
	}
	looks := "GET /hidden HTTP/1.1\r\nHost: evil\r\n\r\n"
	large := strings.Repeat("0123456789abcdef", 32<<10)
	body("of no length", "", post(), "")
	body("of length 0", "", post("Content-Length: 0"), "")
	body("with zeros in front of its length", "9112-6.3-4", post("Content-Length: 0005")+"abcde", "abcde")
	body("with white space around its length", "9110-5.5-1", post("Content-Length: \t 5 \t")+"abcde", "abcde")
	body("with its length in other case", "", post("CONTENT-LENGTH:5")+"abcde", "abcde")
	body("that looks like a request", "", post(fmt.Sprintf("Content-Length: %d", len(looks)))+looks, looks)
	body("of every byte", "", post("Content-Length: 256")+everyByte(), everyByte())
	body("of 512 KiB", "", post(fmt.Sprintf("Content-Length: %d", len(large)))+large, large)
	for _, m := range []string{"GET", "DELETE", "OPTIONS", "PROPFIND", "PUT"} {
		body("with "+m, "", with(m, []string{"Content-Length: 3"})+"abc", "abc")
		body("in chunks with "+m, "9112-6.1-1", with(m, []string{"Transfer-Encoding: chunked"})+"3\r\nabc\r\n0\r\n\r\n", "abc")
	}
	body("named by Connection", "9110-7.6.1-2", post("Connection: content-length", "Content-Length: 3")+"abc", "abc")
	body("with names that read like framing", "9110-5.1-1", post("Content_Length: 50", "Transfer_Encoding: chunked", "Content-Length: 3")+"abc", "abc", "Content_Length", "Transfer_Encoding")
	all[len(all)-1].Want.Must = &Must{See: &See{Body: new("abc")}}
	all[len(all)-1] = all[len(all)-1].why("RFC 9110 section 5.1 lets a proxy be configured to block fields; those with _ in their name are")

	const ids = "9112-6.1-1 9112-7.1-1 9112-6.1-2"
	for _, r := range []struct{ name, bytes, want string }{
		{"none", "0\r\n\r\n", ""},
		{"one", "3\r\nabc\r\n0\r\n\r\n", "abc"},
		{"of a byte", strings.Repeat("1\r\na\r\n", 100) + "0\r\n\r\n", strings.Repeat("a", 100)},
		{"zeros in front", "0003\r\nabc\r\n0\r\n\r\n", "abc"},
		{"15 zeros in front", "0000000000000003\r\nabc\r\n0\r\n\r\n", "abc"},
		{"upper case", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		{"lower case", "a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		{"many zeros at the end", "3\r\nabc\r\n000\r\n\r\n", "abc"},
		{"that look like chunks", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"},
		{"of every byte", "100\r\n" + everyByte() + "\r\n0\r\n\r\n", everyByte()},
		{"of 512 KiB", fmt.Sprintf("%x\r\n", len(large)) + large + "\r\n0\r\n\r\n", large},
		{"of 4 KiB, many", strings.Repeat("1000\r\n"+large[:4096]+"\r\n", 64) + "0\r\n\r\n", strings.Repeat(large[:4096], 64)},
	} {
		body("chunks/"+r.name, ids, chunkedPost+r.bytes, r.want)
	}
	body("chunks/the coding in other case", "9112-6.1-1", post("transfer-encoding:CHUNKED")+"3\r\nabc\r\n0\r\n\r\n", "abc")
	body("chunks/the coding with tabs around", "9110-5.5-1", post("Transfer-Encoding: \tchunked\t ")+"3\r\nabc\r\n0\r\n\r\n", "abc")
	for _, e := range []string{";a", ";a=b", ";a=b;c=d", `;a="b"`, `;a="b;c"`, `;a="b\"c"`, `;a="\\"`, ";" + strings.Repeat("a", 1000), `;a=""`, " ;a", "\t;a", " ; a = b", ` ;a= "b" ; c`} {
		body(fmt.Sprintf("chunks/extension %.20q", e), "9112-7.1.1-1 9110-5.6.3-1 9110-5.6.3-2 9110-5.6.4-1", chunkedPost+"3"+e+"\r\nabc\r\n0"+e+"\r\n\r\n", "abc")
	}
	return append(all, oddTrailers()...)
}

func everyByte() string {
	var b [256]byte
	for i := range b {
		b[i] = byte(i)
	}
	return string(b[:])
}

func oddTrailers() (all []Case) {
	const ids = "9112-7.1.2-1 9112-7.1.2-2 9110-6.5.1-2"
	for _, r := range []struct {
		name   string
		fields []string
	}{
		{"one", []string{"X-Sum: 1"}}, {"three", []string{"X-Sum: 1", "X-B: 2", "X-Sum: 3"}}, {"obs-text", []string{"X-Sum: \xff"}}, {"an empty value", []string{"X-Sum: "}}, {"60 of them", strings.Split(strings.TrimSuffix(strings.Repeat("X-Sum: 1,", 60), ","), ",")}, {"8 KiB", []string{"X-Sum: " + strings.Repeat("a", 8<<10)}},
	} {
		c := odd("trailer/"+r.name, ids, post("Transfer-Encoding: chunked", "Trailer: X-Sum")+"3\r\nabc\r\n0\r\n"+strings.Join(r.fields, crlf)+"\r\n\r\n", See{Body: new("abc"), Trailers: r.fields, Gone: []string{"X-Sum"}})
		c.Want.Must = &Must{See: &See{Body: new("abc"), Gone: []string{"X-Sum"}}} // RFC 9112 section 7.1.2 lets trailers be dropped
		all = append(all, c)
	}
	return all
}

func oddRest() (all []Case) {
	whole := Get{Interim: []int{100}, Body: new("done"), End: "open"}
	done := answer("done", "Content-Length: 4")
	cont := "HTTP/1.1 100 Continue\r\n\r\n"
	expects := func(name, framing, body string, send, answer []Step, get Get) {
		c := odd("expect/"+name, "9110-15.2-2 9110-15.2-3", "", See{Body: new(body)})
		c.Send = append([]Step{{Bytes: post(framing, "Expect: 100-continue")}}, send...)
		c.Answer, c.OnHead, c.Want.Get = answer, true, &get
		all = append(all, c)
	}
	late := []Step{{Bytes: cont}, {Pause: 30 * time.Millisecond, Bytes: done}}
	expects("waits for 100", "Content-Length: 3", "abc", []Step{{Await: 1, Bytes: "abc"}}, late, whole)
	expects("waits for 100 with chunks", "Transfer-Encoding: chunked", "abc", []Step{{Await: 1, Bytes: "3\r\nabc\r\n0\r\n\r\n"}}, late, whole)
	expects("does not wait", "Content-Length: 3", "abc", []Step{{Bytes: "abc"}}, late, whole)
	final := odd("expect/a final answer in place of 100", "9110-15.2-2", "", See{Requests: -1})
	final.Send = []Step{{Bytes: post("Content-Length: 3", "Expect: 100-continue")}, {Await: 1, If: Told, Bytes: "abc"}} // a proxy may send 100 of its own and wait for the body
	final.Want.Must = &Must{See: &See{Requests: anyNumber}}
	final.OnHead, final.Alone, final.Answer = true, true, say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
	final.Want.Get = &Get{Status: 403, Body: new("no")}
	early := odd("answer before the body/413", "", "", See{Requests: -1})
	early.Send = []Step{{Bytes: post("Content-Length: 100000") + strings.Repeat("a", 1000)}, {Await: 1, If: Unanswered, Bytes: strings.Repeat("a", 99000)}}
	early.Want.Must = &Must{See: &See{Requests: anyNumber}, Get: &Get{Status: 413, Body: new("no")}} // a proxy may wait for the body, and keep the connection
	early.OnHead, early.Alone, early.Answer = true, true, []Step{{Bytes: "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"}}
	early.Want.Get = &Get{Status: 413, Body: new("no"), End: "closed"}
	empty := odd("empty line/before the request", "", crlf+get(), See{Target: "/"})
	empty.Methods = []string{"GET"}
	twice := Case{Name: "retry/a POST whose endpoint reads it and goes", IDs: "9110-9.2.2-1", Group: OddRequest, Send: say(post("Content-Length: 3") + "abc"), Answer: []Step{{End: Reset}}, Want: Want{See: &See{Body: new("abc")}, Get: &Get{Status: 502}}}
	patch := twice
	patch.Name, patch.Send = "retry/a method that nobody knows", say("BREW / HTTP/1.1\r\n"+host+crlf)
	patch.Want.See = &See{Method: "BREW"}
	return append(all, final, early, empty, twice, patch)
}
