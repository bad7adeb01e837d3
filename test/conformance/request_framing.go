package conformance

import (
	"fmt"
	"slices"
	"strings"
)

const (
	crlf   = "\r\n"
	host   = "Host: example.com\r\n"
	hidden = "GET /hidden HTTP/1.1\r\nHost: example.com\r\n\r\n"
)

// get is a request with the given field lines behind a good Host.
func get(lines ...string) string { return with("GET", lines) }

// post is the same for POST; the body follows it.
func post(lines ...string) string { return with("POST", lines) }

func with(method string, lines []string) string {
	return method + " / HTTP/1.1\r\n" + host + section(lines)
}

// section are field lines and the empty line behind them.
func section(lines []string) string {
	return strings.Join(append(slices.Clone(lines), ""), crlf) + crlf
}

// bad is a hostile request that Poise refuses.
func bad(name, ids string, status int, bytes string) Case {
	return Case{Name: name, IDs: ids, Group: BadRequest, Send: say(bytes), Want: Want{Refuse: status}}
}

// smuggle is one behind or in which a request is hidden that must never be
// served: the framing is faulty, and the connection must be closed.
func smuggle(name, ids string, status int, bytes string) Case {
	c := bad(name, ids, status, bytes)
	c.Want.Hidden = true
	return c
}

// why says under which licence a refusal goes beyond a MUST.
func (c Case) why(licence string) Case {
	c.Want.Why = licence
	return c
}

const sameLengths = "RFC 9110 section 8.6 lets a recipient reject a list of equal lengths"

func lengths() (all []Case) {
	const ids = "9112-6.3-4 9112-6.3-5"
	for _, v := range []string{
		"", "+3", "-3", "-0", "3.0", "3e0", "0x3", "0b11", "03h", "3;", "3 3", "3\t4", "3_0", "three", `"3"`, "'3'", "(3)",
		"3,4", "3, 4", "3 ,", ",3", "3,", "\xef\xbc\x93", "\xd9\xa3", "3\x0b", "3\x0c", "\x0b3", "3\x00", "\x003", "3\x7f", "3\xa0", "\xc2\xa03",
		"9223372036854775808", "18446744073709551619", "340282366920938463463374607431768211459", "99999999999999999999999999999999999999",
	} {
		all = append(all, smuggle(fmt.Sprintf("length/value %q", v), ids, 400, post("Content-Length: "+v)+"abc"+hidden))
	}
	for _, v := range []string{"3, 3", "3,3", "3 , 3 , 3"} {
		all = append(all, bad(fmt.Sprintf("length/list %q", v), ids, 400, post("Content-Length: "+v)+"abc"+hidden).why(sameLengths))
	}
	for _, two := range [][2]string{{"3", "4"}, {"0", "3"}, {"3", "0"}, {"3", "03"}, {"3", ""}, {"", "3"}, {"3", "-1"}, {"3", "3"}} {
		c := smuggle(fmt.Sprintf("length/twice %q %q", two[0], two[1]), ids, 400, post("Content-Length: "+two[0], "Content-Length: "+two[1])+"abc"+hidden)
		if strings.TrimLeft(two[0], "0") == strings.TrimLeft(two[1], "0") && two[0] != "" && two[1] != "" {
			c = c.why(sameLengths)
			c.Want.Hidden = false // who takes them may serve what follows
		}
		all = append(all, c)
	}
	return append(all,
		bad("length/twice in other case", ids, 400, post("Content-Length: 3", "CONTENT-length: 5")+"abcde"),
		bad("length/twice with a field between", ids, 400, post("Content-Length: 3", "X: y", "Content-Length: 5")+"abcde"),
		bad("length/three times", ids, 400, post("Content-Length: 3", "Content-Length: 3", "Content-Length: 4")+"abcd").why(sameLengths),
		bad("length/twice, hidden by Connection", ids, 400, post("Connection: content-length", "Content-Length: 0", "Content-Length: 3")+"abc"),
		bad("length/in GET with a sign", ids, 400, get("Content-Length: +0")+hidden),
		bad("length/in HTTP/1.0 twice", ids, 400, "POST / HTTP/1.0\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
	)
}

func bothFramings() (all []Case) {
	const ids = "9112-6.1-9 9112-6.3-2 9112-6.2-1"
	const licence = "RFC 9112 section 6.1 lets a server reject a request with both"
	te, zero := "Transfer-Encoding: chunked", "0\r\n\r\n"
	short := fmt.Sprintf("Content-Length: %d", len(zero))
	long := fmt.Sprintf("Content-Length: %d", len(zero)+len(hidden))
	for name, bytes := range map[string]string{
		"length then coding, hidden behind the last chunk": post(long, te) + zero + hidden,
		"coding then length, hidden behind the last chunk": post(te, long) + zero + hidden,
		"length then coding, hidden behind the length":     post("Content-Length: 4", te) + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + crlf + zero,
		"coding then length, hidden behind the length":     post(te, "Content-Length: 4") + fmt.Sprintf("%x\r\n", len(hidden)) + hidden + crlf + zero,
		"both agree":                     post(short, te) + zero + hidden,
		"length of nothing":              post("Content-Length: 0", te) + zero + hidden,
		"in GET":                         get(te, "Content-Length: 0") + zero + hidden,
		"with a field between":           post("Content-Length: 5", "X: y", te) + zero,
		"coding in other case":           post("content-length: 5", "TRANSFER-ENCODING: CHUNKED") + zero,
		"coding with a tab":              post("Content-Length: 5", "Transfer-Encoding:\tchunked") + zero,
		"Connection names the length":    post("Connection: content-length", "Content-Length: 50", te) + zero + hidden,
		"Connection names the coding":    post("Connection: transfer-encoding", "Content-Length: 5", te) + zero + hidden,
		"Connection names both":          post("Connection: close, content-length, transfer-encoding", "Content-Length: 5", te) + zero,
		"with Expect":                    post("Content-Length: 5", te, "Expect: 100-continue") + zero,
		"a bad length":                   post("Content-Length: x", te) + zero,
		"chunk of the length's own size": post("Content-Length: 8", te) + "3\r\nabc\r\n" + zero,
	} {
		all = append(all, smuggle("both/"+name, ids, 400, bytes).why(licence))
	}
	return sorted(all)
}

const faultyFraming = "RFC 9112 section 6.3 calls for 400 where chunked does not come last"

func codings() (all []Case) {
	const ids = "9112-6.3-3 9112-6.1-3"
	body := "0\r\n\r\n"
	length := fmt.Sprintf("Content-Length: %d", len(body)+len(hidden)) // by the length the hidden request is in the body, by chunks behind it
	for _, v := range []string{
		"xchunked", "chunkedx", "chunk", "chunked-", "ch unked", "chunked chunked", "identity", "gzip", "x", "chunked, gzip",
		"chunked, identity", "gzip, chunked, identity", "chunked;q=1", "chunked;a=b", `"chunked"`, "'chunked'", "chunked;", "chunked ;",
		"\xefchunked", "chun\xc4\xb1ked", "chunKed\xc2\xa0", "=chunked", "chunked=", ": chunked", "c\xd0\xbdunked", "none", "0",
	} {
		all = append(all, smuggle(fmt.Sprintf("coding/value %q", v), ids, 400, post(length, "Transfer-Encoding: "+v)+body+hidden),
			smuggle(fmt.Sprintf("coding/alone %q", v), ids, 400, post("Transfer-Encoding: "+v)+body+hidden))
	}
	for _, v := range []string{"gzip, chunked", "deflate, chunked", "x-gzip,chunked", "compress , chunked", "gzip;q=1, chunked", "identity, chunked", "br, chunked"} {
		all = append(all, smuggle(fmt.Sprintf("coding/unknown before chunked %q", v), "9112-6.1-3", 501, post("Transfer-Encoding: "+v)+body+hidden).
			why("RFC 9112 section 6.1: a coding that is not understood is answered with 501"))
	}
	for _, v := range []string{"chunked\x0b", "\x0bchunked", "chunked\x00", "\x00chunked", "chun\x08ked", "chunked\x7f", "chunked\x0c"} {
		all = append(all, smuggle(fmt.Sprintf("coding/control byte %q", v), "9110-5.5-2", 400, post(length, "Transfer-Encoding: "+v)+body+hidden))
	}
	return append(all, moreCodings()...)
}

const emptyElement = "no MUST allows it: an empty element beside chunked is dropped by some servers and an unknown coding to others, so zero is the number of them that is reasonable here (RFC 9110 section 5.6.1.2)"

func moreCodings() (all []Case) {
	body := "0\r\n\r\n"
	length := fmt.Sprintf("Content-Length: %d", len(body)+len(hidden)) // by the length the hidden request is in the body, by chunks behind it
	for _, two := range [][2]string{{"chunked", "chunked"}, {"chunked", "identity"}, {"identity", "chunked"}, {"gzip", "chunked"}, {"chunked", ""}, {"", "chunked"}, {"x", "chunked"}} {
		c := smuggle(fmt.Sprintf("coding/twice %q %q", two[0], two[1]), "9112-6.1-2", 400, post("Transfer-Encoding: "+two[0], "Transfer-Encoding: "+two[1])+body+hidden)
		c.Want.Hidden = two[0] != "" && two[1] != "" // together they are a list with an empty element
		all = append(all, c.why("RFC 9112 section 6.3: what may be an attempt at request smuggling ought to be handled as an error"))
	}
	for _, v := range []string{"", ",", " , "} {
		all = append(all, smuggle(fmt.Sprintf("coding/empty %q", v), "9112-6.3-3", 400, post(length, "Transfer-Encoding: "+v)+body+hidden))
	}
	for _, v := range []string{"chunked,", ", chunked", "chunked, ,"} {
		all = append(all, bad(fmt.Sprintf("coding/empty element %q", v), "9112-6.3-3", 400, post("Transfer-Encoding: "+v)+body+hidden).why(emptyElement))
	}
	for _, v := range []string{"chunked, chunked", "chunked,chunked"} {
		all = append(all, smuggle(fmt.Sprintf("coding/chunked twice %q", v), "9112-6.1-2", 400, post("Transfer-Encoding: "+v)+body+hidden).why(faultyFraming))
	}
	for name, line := range map[string]string{
		"space before the colon":      "Transfer-Encoding : chunked",
		"tab before the colon":        "Transfer-Encoding\t: chunked",
		"NUL before the colon":        "Transfer-Encoding\x00: chunked",
		"folded value":                "Transfer-Encoding:\r\n chunked",
		"folded by a tab":             "Transfer-Encoding:\r\n\tchunked",
		"in a folded line":            "X: y\r\n Transfer-Encoding: chunked",
		"behind a bare LF":            "X: y\nTransfer-Encoding: chunked",
		"behind a bare CR":            "X: y\rTransfer-Encoding: chunked",
		"behind two CRs":              "X: y\r\r\nTransfer-Encoding: chunked",
		"ended by a bare LF":          "Transfer-Encoding: chunked\nX: y",
		"with a long s":               "Tran\xc5\xbffer-Encoding: chunked",
		"with another hyphen":         "Transfer\xe2\x80\x90Encoding: chunked",
		"behind a space":              " Transfer-Encoding: chunked",
		"behind a NUL":                "\x00Transfer-Encoding: chunked",
		"without a colon":             "Transfer-Encoding chunked",
		"in quotes":                   `"Transfer-Encoding": chunked`,
		"with a slash":                "Transfer/Encoding: chunked",
		"with a colon in the name":    ":Transfer-Encoding: chunked",
		"with a byte order mark":      "\xef\xbb\xbfTransfer-Encoding: chunked",
		"value behind a vertical tab": "Transfer-Encoding:\x0bchunked",
	} {
		all = append(all, smuggle("coding/name "+name, "9112-5.1-1 9112-6.3-4", 400, post(length, line)+body+hidden))
	}
	return sorted(all)
}

func oldCodings() []Case {
	const ids = "9112-6.1-10"
	old := "POST / HTTP/1.0\r\n" + host
	body := "0\r\n\r\n"
	return []Case{
		smuggle("coding in HTTP/1.0/alone", ids, 400, old+"Transfer-Encoding: chunked\r\n\r\n"+body+hidden),
		smuggle("coding in HTTP/1.0/with a length", ids, 400, old+"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"+body+hidden),
		smuggle("coding in HTTP/1.0/with keep-alive", ids, 400, old+"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"+body+hidden),
		smuggle("coding in HTTP/1.0/identity", ids, 400, old+"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n"+body+hidden),
		smuggle("coding in HTTP/1.0/named by Connection", ids, 400, old+"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"+body+hidden),
	}
}
