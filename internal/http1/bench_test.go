package http1

import (
	"bytes"
	"testing"

	"poise/internal/message"
)

// smallGet is what a load generator sends, chrome what a browser does: 20
// fields.
const (
	smallGet = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n"
	chrome   = "GET /catalogue/shoes?page=3&sort=price HTTP/1.1\r\n" +
		"Host: www.example.com\r\n" +
		"Connection: keep-alive\r\n" +
		"Cache-Control: max-age=0\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n" +
		"sec-ch-ua-mobile: ?0\r\n" +
		"sec-ch-ua-platform: \"Linux\"\r\n" +
		"DNT: 1\r\n" +
		"Upgrade-Insecure-Requests: 1\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: same-origin\r\n" +
		"Sec-Fetch-Mode: navigate\r\n" +
		"Sec-Fetch-User: ?1\r\n" +
		"Sec-Fetch-Dest: document\r\n" +
		"Referer: https://www.example.com/catalogue\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
		"If-None-Match: \"5e1f-62a8c0\"\r\n" +
		"Priority: u=0, i\r\n" +
		"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes; _ga=GA1.1.1234567890.1234567890\r\n\r\n"
)

// hotPaths are what a request goes through; each does its work once.
func hotPaths() map[string]func() {
	var p HeadParser
	var h, answer message.Head
	var c Chunks
	out := make([]byte, 0, 4<<10)
	parse := func(text string) func() {
		b := []byte(text)
		return func() {
			p.Reset()
			if n, r := p.Request(b, Limits{}, &h); n != len(b) || r != nil {
				panic(r)
			}
		}
	}
	resp, method := []byte(answer200), []byte("GET")
	response := func() {
		p.Reset()
		if n, err := p.Response(resp, Limits{}, method, &answer); n != len(resp) || err != nil {
			panic(err)
		}
	}
	body := bytes.Repeat([]byte("400\r\n"+string(make([]byte, 1024))+"\r\n"), 16)
	body = append(body, "0\r\n\r\n"...)
	trailing := []byte("5\r\nhello\r\n0\r\nGrpc-Status: 0\r\nGrpc-Message: fine\r\n\r\n")
	decode := func(b []byte) func() {
		return func() {
			c.Reset()
			for at, done := 0, false; !done; {
				_, n, ended, err := c.Next(b[at:])
				if err != nil || n == 0 {
					panic(err)
				}
				at, done = at+n, ended
			}
		}
	}
	parse(chrome)()
	response()
	written := whole([]byte(chrome), asRequest(Limits{})).head
	bad := []byte(get("Transfer-Encoding: chunked", "Content-Length: 5"))
	return map[string]func(){
		"parse a small request":         parse(smallGet),
		"parse a browser's 20 fields":   parse(chrome),
		"parse named connection fields": parse(browser),
		"parse an answer":               response,
		"write a browser's 20 fields":   func() { out = AppendRequest(out[:0], &written) },
		"write an answer":               func() { out = AppendResponse(out[:0], &answer, ResponseOptions{}) },
		"16 chunks of 1 KiB":            decode(body),
		"a chunk and trailers":          decode(trailing),
		"write a chunk's frame":         func() { out = AppendLastChunk(AppendChunkSize(out[:0], 1024), nil) },
		"refuse":                        func() { p.Reset(); _, _ = p.Request(bad, Limits{}, &h) },
		"find an answer malformed":      func() { p.Reset(); _, _ = p.Response(bad, Limits{}, method, &h) },
	}
}

func TestTheHotPathAllocatesNothing(t *testing.T) {
	for name, do := range hotPaths() {
		do()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

func BenchmarkWire(b *testing.B) {
	for name, do := range hotPaths() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
}

// BenchmarkText looks for a byte that no field value may hold in the values of
// a browser's request: eight at once, and one by one.
func BenchmarkText(b *testing.B) {
	var p HeadParser
	var h message.Head
	if _, r := p.Request([]byte(chrome), Limits{}, &h); r != nil {
		b.Fatal(r)
	}
	byBytes := func(v []byte) int {
		i := 0
		for i < len(v) && (v[i] >= ' ' && v[i] != 0x7f || v[i] == '\t') {
			i++
		}
		return i
	}
	for name, look := range map[string]func([]byte) int{"eight": func(v []byte) int { return text(v, 0) }, "one": byBytes} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for i := range h.Fields {
					if v := h.Fields[i].Value; look(v) != len(v) {
						b.Fatal("a field of a browser is refused")
					}
				}
			}
		})
	}
}
