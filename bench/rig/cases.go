package rig

// A Case is a kind of traffic, the same for everybody.
type Case struct {
	Name, What string
	Load       Load
}

// browser are 20 fields as a browser sends them.
var browser = []string{
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Accept-Language: en-GB,en;q=0.9,de;q=0.8",
	"Cache-Control: no-cache",
	"Cookie: session=4f1c6a0b7d9e42b3a1f08d7c5e6b9a20; theme=dark; consent=yes; _ga=GA1.2.1422318851.1763990000",
	"DNT: 1",
	"Origin: https://shop.example.com",
	"Pragma: no-cache",
	"Priority: u=0, i",
	"Referer: https://shop.example.com/articles/2026/11/a-page?from=list&page=3",
	`Sec-CH-UA: "Chromium";v="156", "Not;A=Brand";v="8"`,
	"Sec-CH-UA-Mobile: ?0",
	`Sec-CH-UA-Platform: "Linux"`,
	"Sec-Fetch-Dest: document",
	"Sec-Fetch-Mode: navigate",
	"Sec-Fetch-Site: same-origin",
	"Sec-Fetch-User: ?1",
	"Upgrade-Insecure-Requests: 1",
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	"X-Requested-With: XMLHttpRequest",
}

// The cases by name, for those who need one.
const (
	SmallGet      = "small-get"
	Headers       = "headers"
	Get64K        = "get-64k"
	Get10M        = "get-10m"
	NewConnection = "new-connection"
)

// Cases are all of them, but for the idle connections, which are no load.
var Cases = []Case{
	{SmallGet, "GET of 14 bytes", Load{}},
	{Headers, "the same with 20 fields of a browser", Load{Header: browser}},
	{Get64K, "GET of 64 KiB", Load{Path: "/64k"}},
	{Get10M, "GET of 10 MiB, 8 connections", Load{Path: "/10m", Connections: 8, Large: 10 << 20}},
	{"upload-1m", "POST of 1 MiB, 16 connections", Load{Path: "/upload", Post: 1 << 20, Connections: 16}},
	{"connections-1000", "GET of 14 bytes, 1,000 connections", Load{Connections: 1000, Idle: 1000}},
	{NewConnection, "GET of 14 bytes, a connection each", Load{Header: []string{"Connection: close"}}},
	{"chunked", "GET of a stream of 16 chunks of 1 KiB", Load{Path: "/chunked"}},
}

// CaseOf returns the case of that name.
func CaseOf(name string) (Case, bool) {
	for _, c := range Cases {
		if c.Name == name {
			return c, true
		}
	}
	return Case{}, false
}

// For returns the load for so many seconds, open at a rate, or closed at 0.
func (c Case) For(seconds int, rate float64) Load {
	l := c.Load
	l.Seconds, l.Rate = seconds, rate
	return l
}
