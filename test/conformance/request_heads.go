package conformance

import (
	"fmt"
	"strings"
)

// lineEnds puts every wrong line end behind every line of a head.
func lineEnds() (all []Case) {
	ends := map[string]string{
		"LF": "\n", "CR": "\r", "two CRs and LF": "\r\r\n", "LF CR": "\n\r", "NUL CR LF": "\x00\r\n", "vertical tab LF": "\x0b\n", "form feed": "\x0c", "NEL": "\x85", "line separator": "\xe2\x80\xa8",
	}
	for name, end := range ends {
		for place, bytes := range map[string]string{
			"the request line": "GET / HTTP/1.1" + end + host + "X: y\r\n\r\n",
			"Host":             "GET / HTTP/1.1\r\nHost: example.com" + end + "X: y\r\n\r\n",
			"the head":         "GET / HTTP/1.1\r\n" + host + "X: y\r\n" + end + "X",
		} {
			if place == "Host" && (name == "NEL" || name == "line separator") {
				bytes = "GET / HTTP/1.1\r\nHost: example.com" + end + "\r\n\r\n" // bytes beyond ASCII end no line, and no host has them
			}
			ids := "9112-2.2-3"
			if place == "Host" {
				ids += " 9110-5.5-2"
			}
			all = append(all, bad("line end/"+name+" behind "+place, ids, 400, bytes))
		}
	}
	return append(sorted(all),
		bad("line end/LF everywhere", "9112-2.2-3", 400, "GET / HTTP/1.1\nHost: example.com\n\n").why("RFC 9112 section 2.2 makes it a MAY to take LF alone"),
		bad("line end/LF behind a field, one more field in it", "9112-2.2-3", 400, get("X: y\nHost: evil")),
		bad("line end/CR in a field, one more field in it", "9112-2.2-3 9110-5.5-2", 400, get("X: y\rHost: evil")),
	)
}

// controls puts bytes where they must not be.
func controls() (all []Case) {
	for c := range 0x80 {
		if c >= ' ' && c != 0x7f || c == '\t' || c == '\r' || c == '\n' {
			continue
		}
		all = append(all, bad(fmt.Sprintf("control byte/%#02x in a value", c), "9110-5.5-2", 400, get("X: a"+string(rune(c))+"b")))
	}
	for _, c := range []byte("\x00\x01\x08\t\x0b\x0c\x1b\x7f \"(),/;<=>?@[\\]{}\x80\xff") {
		all = append(all, bad(fmt.Sprintf("name/%#02x in it", c), "9112-5.1-1", 400, get("X"+string([]byte{c})+"Y: z")))
	}
	for _, c := range []byte("\x00\x01\x08\t\x0b\x0c\x1b\x7f#\x80\xff") {
		all = append(all, bad(fmt.Sprintf("target/%#02x in it", c), "9112-2.2-1 9112-2.2-3", 400, "GET /a"+string([]byte{c})+"b HTTP/1.1\r\n"+host+crlf))
	}
	for _, c := range []byte("\x00\x01\t\x0b\x7f\"(),/:;<=>?@[\\]{}\x80") {
		all = append(all, bad(fmt.Sprintf("method/%#02x in it", c), "9112-2.2-1", 400, "G"+string([]byte{c})+"T / HTTP/1.1\r\n"+host+crlf))
	}
	return all
}

func folds() []Case {
	const ids, first = "9112-5.2-2", "9112-2.2-5"
	licence := "RFC 9112 section 5.2 lets a server reject a folded line with 400"
	return []Case{
		bad("fold/by a space", ids, 400, get("X: y", " z")).why(licence),
		bad("fold/by a tab", ids, 400, get("X: y", "\tz")).why(licence),
		bad("fold/by many", ids, 400, get("X: y", " \t \t z", "  w")).why(licence),
		bad("fold/of an empty value", ids, 400, get("X:", " y")).why(licence),
		bad("fold/a line of white space", ids, 400, get("X: y", " ")).why(licence),
		bad("fold/of Host", ids, 400, "GET / HTTP/1.1\r\nHost:\r\n example.com\r\n\r\n").why(licence),
		bad("fold/of Host with a second name", ids, 400, "GET / HTTP/1.1\r\nHost: example.com\r\n .evil\r\n\r\n").why(licence),
		bad("fold/of a length", ids, 400, post("Content-Length: 1", " 0")+"a").why(licence),
		bad("fold/a length within", ids, 400, post("X: y", " Content-Length: 3")+"abc").why(licence),
		bad("fold/before the first field", first, 400, "GET / HTTP/1.1\r\n X: y\r\n"+host+crlf),
		bad("fold/before the first field by a tab", first, 400, "GET / HTTP/1.1\r\n\tX: y\r\n"+host+crlf),
		bad("fold/Host before the first field", first, 400, "GET / HTTP/1.1\r\n Host: evil\r\n"+host+crlf),
		bad("fold/white space before the first field", first, 400, "GET / HTTP/1.1\r\n \r\n"+host+crlf),
		bad("fold/and a line of LF", ids, 400, "GET / HTTP/1.1\r\n"+host+"X: y\n z\r\n\r\n"),
	}
}

func badNames() []Case {
	const ids = "9112-5.1-1"
	return []Case{
		bad("name/none", ids, 400, get(": y")),
		bad("name/none but a space", ids, 400, get(" : y")),
		bad("name/no colon", ids, 400, get("X")),
		bad("name/no colon in the first line", ids, 400, "GET / HTTP/1.1\r\nHost\r\n\r\n"),
		bad("name/an equals sign for a colon", ids, 400, get("X=y")),
		bad("name/space before the colon", ids, 400, get("X : y")),
		bad("name/tab before the colon", ids, 400, get("X\t: y")),
		bad("name/spaces before the colon", ids, 400, get("X   : y")),
		bad("name/space before the colon of Host", ids, 400, "GET / HTTP/1.1\r\nHost : example.com\r\n\r\n"),
		bad("name/space before the colon of a length", ids, 400, post("Content-Length : 3")+"abc"+hidden),
		bad("name/tab before the colon of a length", ids, 400, post("Content-Length\t: 3")+"abc"+hidden),
		bad("name/a pseudo field of HTTP/2", ids, 400, get(":authority: evil")),
		bad("name/no colon behind a length", ids, 400, post("Content-Length 3")+"abc"),
	}
}

func connectionLists() []Case {
	const ids = "9110-7.6.1-2"
	list := "RFC 9110 section 7.6.1: options are tokens; what is no list of them cannot be applied"
	return []Case{
		bad("connection/two words", ids, 400, get("Connection: close x")).why(list),
		bad("connection/a parameter", ids, 400, get("Connection: close;x=y")).why(list),
		bad("connection/in quotes", ids, 400, get(`Connection: "close"`)).why(list),
		bad("connection/brackets", ids, 400, get("Connection: (close)")).why(list),
		bad("connection/a colon", ids, 400, get("Connection: x:y")).why(list),
		bad("connection/obs-text", ids, 400, get("Connection: \xff")).why(list),
		bad("connection/nine names", ids, 400, get("Connection: a,b,c,d,e,f,g,h,i")).why("RFC 9110 section 5.4: a set of fields larger than the server takes gets a 4xx"),
		bad("expect/another expectation", "", 417, get("Expect: 200-ok")).why("RFC 9110 section 10.1.1"),
		bad("expect/a second expectation", "", 417, post("Expect: 100-continue, x", "Content-Length: 0")).why("RFC 9110 section 10.1.1"),
		bad("expect/a parameter", "", 417, post("Expect: 100-continue;q=1", "Content-Length: 0")).why("RFC 9110 section 10.1.1"),
	}
}

func limits() []Case {
	long := strings.Repeat("a", 9<<10)
	return []Case{
		bad("limit/a target of 9 KiB", "9112-3-1", 414, "GET /"+long+" HTTP/1.1\r\n"+host+crlf),
		bad("limit/a target without end", "9112-3-1", 414, "GET /"+strings.Repeat(long, 8)),
		bad("limit/a query of 9 KiB", "9112-3-1", 414, "GET /?"+long+" HTTP/1.1\r\n"+host+crlf),
		bad("limit/a URL of 9 KiB", "9112-3-1", 414, "GET http://example.com/"+long+" HTTP/1.1\r\n"+host+crlf),
		bad("limit/a method without end", "", 414, strings.Repeat("A", 9<<10)),
		bad("limit/101 fields", "9110-5.4-1", 431, "GET / HTTP/1.1\r\n"+host+strings.Repeat("X: y\r\n", 100)+crlf),
		bad("limit/500 fields", "9110-5.4-1", 431, "GET / HTTP/1.1\r\n"+host+strings.Repeat("X: y\r\n", 499)+crlf),
		bad("limit/fields of 70 KiB", "9110-5.4-1", 431, get(strings.TrimSuffix(strings.Repeat("X: "+strings.Repeat("y", 1000)+crlf, 70), crlf))),
		bad("limit/a value of 70 KiB", "9110-5.4-1", 431, get("X: "+strings.Repeat("y", 70<<10))),
		bad("limit/a value without end", "9110-5.4-1", 431, "GET / HTTP/1.1\r\n"+host+"X: "+strings.Repeat("y", 70<<10)),
		bad("limit/a name of 70 KiB", "9110-5.4-1", 431, get(strings.Repeat("X", 70<<10)+": y")),
		bad("limit/a length hidden beyond the limit", "9110-5.4-1", 431, post("X: "+strings.Repeat("y", 66<<10), "Content-Length: 3")+"abc"+hidden),
	}
}

// spoofed are fields that say what only the proxy can know.
func spoofed() []Case {
	lines := []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X_Forwarded_For: 6.6.6.6", "X-Request-Id: mine"}
	see := See{Fields: []string{"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: example.com", "X-Forwarded-Proto: http"}, Gone: []string{"Forwarded", "X-Real-IP", "X_Forwarded_For"}}
	return []Case{
		{Name: "spoofed/who the client is", IDs: "9110-5.3-2", Group: BadRequest, Send: say(get(lines...)), Want: Want{See: &see}},
		{Name: "spoofed/twice", IDs: "9110-5.3-2", Group: BadRequest, Send: say(get(append(lines, lines...)...)), Want: Want{See: &see}},
	}
}

// behindGood puts a bad request right behind a good one: the good one is
// answered, the bad one is refused, and what follows is never read.
func behindGood() (all []Case) {
	for name, bytes := range map[string]string{
		"no Host":         "GET /bad HTTP/1.1\r\n\r\n" + hidden,
		"garbage":         "\x01\x02\r\n\r\n" + hidden,
		"both framings":   post("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n" + hidden,
		"a bare LF":       "GET /bad HTTP/1.1\n" + host + crlf + hidden,
		"a bad length":    post("Content-Length: 1x") + "a" + hidden,
		"two empty lines": "\r\n\r\n" + get() + hidden,
	} {
		c := bad("behind a good request/"+name, "9112-6.3-5 9112-9.3.2-1", 0, "GET /good HTTP/1.1\r\n"+host+crlf+bytes)
		c.Answers = 2
		c.Want = Want{Hidden: name == "both framings" || name == "a bad length", See: &See{Target: "/good"}, Get: &Get{End: "closed", Body: new("seen GET /good")}}
		all = append(all, c)
	}
	closing := bad("behind a good request/one that was the last", "9112-9.6-2 9112-9.6-3 9112-9.6-4 9112-9.6-5", 0, get("Connection: close")+hidden)
	closing.Want = Want{Hidden: true, See: &See{Target: "/"}, Get: &Get{End: "closed", Fields: []string{"Connection: close"}}}
	short := bad("behind a good request/a body shorter than sent", "9112-9.3-3", 0, post("Content-Length: 3")+"abcGET")
	short.Want = Want{See: &See{Body: new("abc")}, Get: &Get{Body: new("seen POST /")}}
	return append(sorted(all), closing, short)
}
