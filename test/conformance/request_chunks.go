package conformance

import (
	"fmt"
	"slices"
	"strings"
)

func sorted(all []Case) []Case {
	slices.SortFunc(all, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
	return all
}

var chunkedPost = post("Transfer-Encoding: chunked")

func chunkSizes() (all []Case) {
	const ids = "9112-7.1-2 9112-7.1-1"
	for _, v := range []string{
		"", " 5", "\t5", "5 ", "5\t", "+5", "-5", "-0", "0x5", "0X5", "5h", "g", "5g", "5.", "5,5", "5:5", "5_", "\"5\"", "5\x0b", "\x0b5", "5\x00", "\x005",
		"5\x7f", "\xef\xbc\x95", "5 5", "5=5", "%35", "5\xa0", "5 \x0b;a",
		"ffffffffffffffff", "8000000000000000", "10000000000000005", "100000000000000005", "fffffffffffffffffffffffffffffffffffffffb", "7fffffffffffffff5",
	} {
		all = append(all, bad(fmt.Sprintf("chunk size/%q", v), ids, 400, chunkedPost+v+"\r\nabcde\r\n0\r\n\r\n"+hidden))
	}
	return append(all,
		bad("chunk size/too many zeros", ids, 400, chunkedPost+strings.Repeat("0", 40)+"5\r\nabcde\r\n0\r\n\r\n").why("RFC 9112 section 7.1: recipients must keep large numerals from overflowing; Poise takes 16 digits"),
		bad("chunk size/zeros without end", ids, 400, chunkedPost+strings.Repeat("0", 70000)),
		bad("chunk size/last chunk with a space", ids, 400, chunkedPost+"5\r\nabcde\r\n0 \r\n\r\n"+hidden),
		bad("chunk size/last chunk with a sign", ids, 400, chunkedPost+"5\r\nabcde\r\n-0\r\n\r\n"+hidden),
		bad("chunk size/last chunk in hex notation", ids, 400, chunkedPost+"5\r\nabcde\r\n0x0\r\n\r\n"+hidden),
		bad("chunk size/second chunk is none", ids, 400, chunkedPost+"5\r\nabcde\r\nhello\r\n0\r\n\r\n"+hidden),
	)
}

func chunkEnds() (all []Case) {
	const ids = "9112-7.1-1 9112-2.2-3"
	for name, body := range map[string]string{
		"LF behind the size":                     "5\nabcde\r\n0\r\n\r\n",
		"CR behind the size":                     "5\rabcde\r\n0\r\n\r\n",
		"two CRs behind the size":                "5\r\r\nabcde\r\n0\r\n\r\n",
		"LF CR behind the size":                  "5\n\rabcde\r\n0\r\n\r\n",
		"LF in an extension":                     "5;a\nabcde\r\n0\r\n\r\n",
		"LF right behind the semicolon":          "5;\nabcde\r\n0\r\n\r\n",
		"LF in an extension, a request in it":    "5;a\n" + "0\r\n\r\n" + hidden,
		"CR in an extension":                     "5;a\rb\r\nabcde\r\n0\r\n\r\n",
		"NUL in an extension":                    "5;a\x00\r\nabcde\r\n0\r\n\r\n",
		"DEL in an extension":                    "5;a\x7f\r\nabcde\r\n0\r\n\r\n",
		"LF in a quoted extension":               "5;a=\"\n\"\r\nabcde\r\n0\r\n\r\n",
		"escape byte in an extension":            "5;a=\x1b\r\nabcde\r\n0\r\n\r\n",
		"LF behind the data":                     "5\r\nabcde\n0\r\n\r\n",
		"CR behind the data":                     "5\r\nabcde\r0\r\n\r\n",
		"nothing behind the data":                "5\r\nabcde0\r\n\r\n",
		"two bytes behind the data":              "5\r\nabcdeXX0\r\n\r\n",
		"LF CR behind the data":                  "5\r\nabcde\n\r0\r\n\r\n",
		"space behind the data":                  "5\r\nabcde \r\n0\r\n\r\n",
		"two CRs behind the data":                "5\r\nabcde\r\r\n0\r\n\r\n",
		"data longer than its size":              "3\r\nabcde\r\n0\r\n\r\n",
		"LF behind the last chunk":               "5\r\nabcde\r\n0\n\r\n",
		"LF behind the last chunk, hidden":       "5\r\nabcde\r\n0\n\n" + hidden,
		"CR behind the last chunk":               "5\r\nabcde\r\n0\r\r\n",
		"LF at the end of the body":              "5\r\nabcde\r\n0\r\n\n" + hidden,
		"CR at the end of the body":              "5\r\nabcde\r\n0\r\n\rX",
		"extension of the last chunk ends by LF": "5\r\nabcde\r\n0;a\n\r\n" + hidden,
		"every line end is LF":                   "5\nabcde\n0\n\n" + hidden,
		"every line end is CR":                   "5\rabcde\r0\r\r",
		"an extension of 5 KiB":                  "5;" + strings.Repeat("a", 5<<10) + "\r\nabcde\r\n0\r\n\r\n",
		"an empty line before the size":          "\r\n5\r\nabcde\r\n0\r\n\r\n",
	} {
		all = append(all, bad("chunk end/"+name, ids, 400, chunkedPost+body))
	}
	for i := range all {
		all[i].Want.Hidden = strings.HasSuffix(all[i].Name, "a request in it")
	}
	all = append(all, breaksOff("chunk end/the body breaks off in its data", "9112-8-1", chunkedPost+"5\r\nabc"))
	all = append(all, breaksOff("chunk end/the body breaks off behind its data", "9112-8-1", chunkedPost+"5\r\nabcde\r\n"))
	all = append(all, breaksOff("chunk end/the body breaks off behind the last chunk", "9112-8-1", chunkedPost+"5\r\nabcde\r\n0\r\n"))
	all = append(all, breaksOff("length/the body is shorter than its length", "9112-6.3-7", post("Content-Length: 10")+"abcde"))
	all = append(all, breaksOff("length/no body at all", "9112-6.3-7", post("Content-Length: 10")))
	return sorted(all)
}

// breaksOff is a request that the client never ends.
func breaksOff(name, ids, bytes string) Case {
	return Case{Name: name, IDs: ids, Group: BadRequest, Send: []Step{{Bytes: bytes, End: HalfClose}}, Want: Want{Cut: true, See: &See{Requests: -1}}}
}

func badTrailers() (all []Case) {
	const ids = "9112-7.1.2-1 9112-7.1.2-2"
	last := chunkedPost + "5\r\nabcde\r\n0\r\n"
	for name, lines := range map[string]string{
		"folded":                 "X: y\r\n z\r\n",
		"space before the colon": "X : y\r\n",
		"no colon":               "X\r\n",
		"no name":                ": y\r\n",
		"NUL":                    "X: a\x00b\r\n",
		"bare CR":                "X: a\rb\r\n",
		"bare LF":                "X: a\nY: b\r\n",
		"a request line":         "GET /hidden HTTP/1.1\r\nHost: a\r\n",
		"65 fields":              strings.Repeat("X: y\r\n", 65),
		"17 KiB":                 "X: " + strings.Repeat("y", 17<<10) + "\r\n",
		"white space first":      " X: y\r\n",
	} {
		all = append(all, smuggle("trailer/"+name, ids, 400, last+lines+crlf))
	}
	for _, f := range []string{
		"Content-Length: 50", "Transfer-Encoding: chunked", "Host: evil", "Authorization: Basic eDp5", "Connection: close", "Content-Type: a/b",
		"Content-Encoding: gzip", "X-Forwarded-For: 6.6.6.6", "Cookie: a=b", "If-Match: *", "Trailer: x", "TE: trailers", "Max-Forwards: 1", "Keep-Alive: 1", "Upgrade: h2c",
	} {
		name, _, _ := strings.Cut(f, ":")
		all = append(all, Case{
			Name: "trailer/forbidden " + name, IDs: "9110-6.5.1-1 9110-6.5.1-2 9112-7.1.2-2", Group: BadRequest, Send: say(last, f, "\r\nX-Sum: 1\r\n\r\n"),
			Want: Want{See: &See{Body: new("abcde"), Trailers: []string{"X-Sum: 1"}, NoTrailer: []string{name}}},
		})
	}
	all = append(all, Case{
		Name: "trailer/named by Connection", IDs: "9110-7.6.1-2", Group: BadRequest,
		Send: say(post("Transfer-Encoding: chunked", "Connection: x-hop"), "5\r\nabcde\r\n0\r\nX-Hop: 1\r\nX-Sum: 1\r\n\r\n"),
		Want: Want{See: &See{Body: new("abcde"), Trailers: []string{"X-Sum: 1"}, NoTrailer: []string{"X-Hop"}}},
	})
	return sorted(all)
}
