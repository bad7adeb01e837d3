package telemetry

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"poise/internal/lb"
	"poise/internal/record"
)

var update = flag.Bool("update", false, "write what is seen into the golden files")

// logged are requests of every kind, and of clients who mean harm.
var logged = []struct {
	name    string
	request record.Request
}{
	{"an answer of an endpoint", record.Request{
		Listener: ":8080", Remote: []byte("192.0.2.7"), Method: []byte("GET"), Host: []byte("shop.example"), Path: []byte("/v1/items?page=2"), Proto: "HTTP/1.1",
		Status: 200, Route: "shop", Cluster: "web", Endpoint: "10.0.0.1:80", Attempts: 2, Flags: lb.Retry | lb.Trial, Queued: 3 * time.Millisecond, ID: []byte("4f2a"),
		Referer: []byte("https://shop.example/"), UserAgent: []byte("curl/8.9.1"),
		Duration: 12_345_678 * time.Nanosecond, Latency: 11 * time.Millisecond, Overhead: 45 * time.Microsecond, RequestBytes: 17, ResponseBytes: 2048,
	}},
	{"an answer of our own", record.Request{
		Listener: ":8080", Remote: []byte("2001:db8::1"), Method: []byte("POST"), Host: []byte("a"), Path: []byte("/"), Proto: "HTTP/1.0",
		Status: 502, Error: "endpoint-reset", Detail: "read tcp 10.0.0.1:80: connection reset by peer", Route: "default", Cluster: "web", Attempts: 1, Duration: time.Second,
	}},
	{"a request that made no sense", record.Request{Listener: ":8080", Remote: []byte("192.0.2.7"), Proto: "HTTP/1.1", Status: 400, Error: "bad-request"}},
	{"quotes and backslashes", hostile(`"} {"status":200,\"x\":"`)},
	{"line ends and other control bytes", hostile("a\r\n\n192.0.2.1 - - x\x00\x01\x1b[31m\x7f\tb")},
	{"bytes that are no UTF-8", hostile("\xff\xfe/\xc3(\xed\xa0\x80\xf5caf\xc3\xa9\xc3")},
	{"line ends and terminal commands of Unicode", hostile("a\u0085b\u2028c\u2029d\u009b31m\u00a0é\U0001F600")},
	{"equals signs and spaces", hostile("a=b status=200 route=x")},
}

// hostile is a request whose client put text wherever it can.
func hostile(text string) record.Request {
	b := []byte(text)
	return record.Request{
		Listener: ":8080", Remote: []byte("192.0.2.7"), Method: b, Host: b, Path: b, Proto: "HTTP/1.1", Status: 404, Error: "no-route", Detail: text, ID: b, Referer: b, UserAgent: b,
	}
}

var atNoon = time.Date(2026, 3, 1, 12, 0, 0, 250_600_000, time.FixedZone("", 3600))

func TestLinesAreAsTheGoldenFilesSay(t *testing.T) {
	for _, format := range []string{"json", "combined", "logfmt"} {
		t.Run(format, func(t *testing.T) {
			var got []byte
			for _, c := range logged {
				got = append(append(append(got, "# "...), c.name...), '\n')
				got = formats[format](got, atNoon, &c.request)
			}
			path := filepath.Join("testdata", "lines."+format)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// everyFormat calls check with the line of every request in every format.
func everyFormat(t *testing.T, check func(t *testing.T, format, line string, r *record.Request)) {
	for format, encode := range formats {
		for _, c := range logged {
			t.Run(format+"/"+c.name, func(t *testing.T) {
				check(t, format, string(encode(nil, atNoon, &c.request)), &c.request)
			})
		}
	}
}

func oneHarmlessLine(t *testing.T, line string) {
	t.Helper()
	text, ended := strings.CutSuffix(line, "\n")
	if !ended {
		t.Errorf("the line does not end: %q", line)
	}
	if !utf8.ValidString(text) {
		t.Errorf("the line is no UTF-8: %q", text)
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }); i >= 0 {
		t.Errorf("the line holds a control character at %d: %q", i, text)
	}
}

func TestEveryLineIsOneHarmlessLine(t *testing.T) {
	everyFormat(t, func(t *testing.T, _, line string, _ *record.Request) { oneHarmlessLine(t, line) })
}

func TestJSONLinesSayWhatWasSent(t *testing.T) {
	for _, c := range logged {
		t.Run(c.name, func(t *testing.T) { saysWhatWasSent(t, &c.request) })
	}
}

func saysWhatWasSent(t *testing.T, r *record.Request) {
	t.Helper()
	var got struct {
		Time                                                                   time.Time
		Remote, Method, Host, Path, Proto, Error, Listener, Route, Cluster, ID string
		Endpoint, Detail                                                       string
		Status, Attempts                                                       int
		Flags                                                                  string
		Queued                                                                 float64
		Duration, Latency, Overhead                                            float64
		RequestBytes                                                           int64 `json:"request_bytes"`
		ResponseBytes                                                          int64 `json:"response_bytes"`
	}
	line := appendJSON(nil, atNoon, r)
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil || d.More() {
		t.Fatalf("%v in %s", err, line)
	}
	for field, pair := range map[string][2]string{
		"remote": {got.Remote, string(r.Remote)}, "method": {got.Method, string(r.Method)}, "host": {got.Host, string(r.Host)}, "path": {got.Path, string(r.Path)},
		"error": {got.Error, r.Error}, "detail": {got.Detail, r.Detail}, "id": {got.ID, string(r.ID)}, "cluster": {got.Cluster, r.Cluster}, "endpoint": {got.Endpoint, r.Endpoint},
	} {
		if want := string([]rune(pair[1])); pair[0] != want { // each byte that is no UTF-8 becomes U+FFFD
			t.Errorf("%s is %q; want %q", field, pair[0], want)
		}
	}
	if got.Status != r.Status || got.Attempts != r.Attempts || got.RequestBytes != r.RequestBytes || got.ResponseBytes != r.ResponseBytes {
		t.Errorf("numbers of %s", line)
	}
	if off := got.Duration - r.Duration.Seconds(); off < -1e-6 || off > 1e-6 {
		t.Errorf("duration %g; want %g", got.Duration, r.Duration.Seconds())
	}
	if !got.Time.Equal(atNoon.Truncate(time.Millisecond)) {
		t.Errorf("time %v; want %v", got.Time, atNoon)
	}
}

// combined is what programs that read such logs look for.
var combined = regexp.MustCompile(`^(\S+) \S+ \S+ \[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"\n$`)

func TestCombinedLinesHaveTheirNineParts(t *testing.T) {
	everyFormat(t, func(t *testing.T, format, line string, r *record.Request) {
		if format != "combined" {
			return
		}
		parts := combined.FindStringSubmatch(line)
		if parts == nil {
			t.Fatalf("no line of the combined format: %q", line)
		}
		if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", parts[2]); err != nil || parts[1] != string(r.Remote) {
			t.Errorf("%v; remote %q", err, parts[1])
		}
		for i, value := range [][]byte{nil, r.Referer, r.UserAgent} {
			if i > 0 && (len(value) == 0) != (parts[5+i] == "-") {
				t.Errorf("part %d is %q for %q", 5+i, parts[5+i], value)
			}
		}
	})
}

// pair is one of logfmt: a bare value, or a quoted one.
var pair = regexp.MustCompile(`^([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^" ]+))(?: |\n$)`)

func TestLogfmtLinesAreOfPairs(t *testing.T) {
	everyFormat(t, func(t *testing.T, format, line string, _ *record.Request) {
		if format != "logfmt" {
			return
		}
		var names []string
		for rest := line; rest != ""; {
			m := pair.FindStringSubmatch(rest)
			if m == nil {
				t.Fatalf("no pair at %q", rest)
			}
			if slices.Contains(names, m[1]) {
				t.Errorf("%s comes twice in %q", m[1], line)
			}
			names = append(names, m[1])
			rest = rest[len(m[0]):]
		}
		if !slices.Contains(names, "status") || !slices.Contains(names, "duration") {
			t.Errorf("names %q", names)
		}
	})
}

func TestLinesAllocateNothing(t *testing.T) {
	buf := make([]byte, 0, 4096)
	for format, encode := range formats {
		for _, c := range logged {
			if n := testing.AllocsPerRun(50, func() { buf = encode(buf[:0], atNoon, &c.request) }); n != 0 {
				t.Errorf("%s, %s: %g allocations", format, c.name, n)
			}
		}
	}
}

func FuzzLines(f *testing.F) {
	for _, c := range logged {
		f.Add([]byte(c.request.Path), []byte(c.request.Host))
	}
	f.Fuzz(func(t *testing.T, path, host []byte) {
		r := hostile(string(path))
		r.Host, r.UserAgent = host, host
		for _, encode := range formats {
			oneHarmlessLine(t, string(encode(nil, atNoon, &r)))
		}
		saysWhatWasSent(t, &r)
	})
}
