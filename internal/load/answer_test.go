package load

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAnswersAreReadToTheirEnd(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		method       string
		keep         bool
		fault        Fault
	}{
		{"a body of known length", ok, "GET", true, None},
		{"an interim answer comes first", "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok, "GET", true, None},
		{"chunks and trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nSum: 1\r\n\r\n", "GET", true, None},
		{"no body after HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "HEAD", true, None},
		{"no body with 204", "HTTP/1.1 204 No Content\r\n\r\n", "GET", true, None},
		{"a body that ends with the connection", "HTTP/1.1 200 OK\r\n\r\nall", "GET", false, None},
		{"an answer that closes", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "GET", false, None},
		{"HTTP/1.0 closes", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", false, None},
		{"nothing at all", "", "GET", false, Reset},
		{"a head that breaks off", "HTTP/1.1 200 OK\r\nContent-", "GET", false, Cut},
		{"a body that breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "GET", false, Cut},
		{"a chunk that breaks off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "GET", false, Cut},
		{"chunks without their end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "GET", false, Cut},
		{"a chunk longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", "GET", false, Malformed},
		{"a chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "GET", false, Malformed},
		{"not HTTP", "SSH-2.0-x y z\r\n", "GET", false, Malformed},
		{"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", "GET", false, Malformed},
		{"a field without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "GET", false, Malformed},
		{"a line without an end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 20_000), "GET", false, Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			keep, fault := answerOf(c.answer, c.method)
			if keep != c.keep || fault != c.fault {
				t.Errorf("keep %v, fault %q; want %v, %q", keep, fault, c.keep, c.fault)
			}
		})
	}
}

func answerOf(text, method string) (bool, Fault) {
	o := Options{Method: method}
	c := &client{g: &generator{request: newRequest(&o, &url.URL{})}, r: bufio.NewReaderSize(strings.NewReader(text), 16<<10)}
	return c.answer(&Result{})
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{ok, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "HTTP/1.1 100 \r\n\r\nHTTP/1.1 999 \r\n\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if keep, fault := answerOf(text, "GET"); keep && fault != None {
			t.Errorf("a connection with a broken answer (%v) would be used again", fault)
		}
	})
}

func TestTheRequestIsWhatWasAskedFor(t *testing.T) {
	o := Options{Method: "POST", Body: 3, Header: []string{"X-A: 1", "host: other"}, Keys: 5}
	u, _ := url.Parse("http://127.0.0.1:1/p?q=1")
	c := &client{g: &generator{request: newRequest(&o, u)}}
	want := "POST /p?q=1 HTTP/1.1\r\nX-A: 1\r\nhost: other\r\nContent-Length: 3\r\nX-Key: 4\r\n\r\nxxx"
	if got := string(c.message(&job{key: 4})); got != want {
		t.Errorf("sent %q; want %q", got, want)
	}
	want = "POST /p?q=1 HTTP/1.1\r\nX-A: 1\r\nhost: other\r\nContent-Length: 3\r\nX-Key: 0\r\nX-Work-Us: 12300\r\n\r\nxxx"
	if got := string(c.message(&job{work: 12300 * time.Microsecond})); got != want {
		t.Errorf("sent %q; want %q", got, want)
	}
}

// keysOf lists the paths of a JSON value with the kinds of their ends.
func keysOf(v any, path string) []string {
	m, isObject := v.(map[string]any)
	if !isObject {
		return []string{fmt.Sprintf("%s %T", path, v)}
	}
	var all []string
	for k, of := range m {
		all = append(all, keysOf(of, path+"."+k)...)
	}
	slices.Sort(all)
	return all
}

func TestTheReportKeepsItsKeys(t *testing.T) {
	s := &stub{answer: func(_ int, c net.Conn) bool { time.Sleep(time.Millisecond); return say(c, ok) }}
	inBubble(t, s, Options{Rate: 10, For: time.Second}, func(r *Report) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/report.keys", strings.Join(keysOf(v, ""), "\n")+"\n")
	})
}

func TestTheReportReads(t *testing.T) {
	r := Report{
		Seconds: 10, Requests: 1000, PerSecond: 100, Failures: 15, Late: 3, Unfinished: 2,
		Faults: map[string]int64{"5xx": 10, "reset": 5, "cut": 0}, Statuses: map[string]int64{"200": 985, "503": 10},
		Workers: map[string]int64{"127.0.0.1:9001": 995},
		Latency: Latency{Mean: 0.0123, P50: 0.01, P90: 0.02, P99: 0.1, P999: 1.5, Max: 2},
	}
	golden(t, "testdata/report.txt", r.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant, as in %s\n%s", got, file, want)
	}
}

func TestOptionsThatCannotBeUsedSaySo(t *testing.T) {
	good := Options{URL: "http://127.0.0.1:1/", Rate: 1, For: time.Second}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Options){
		"is no URL":              func(o *Options) { o.URL = "127.0.0.1:8080" },
		"only http is spoken":    func(o *Options) { o.URL = "https://127.0.0.1/" },
		"add --allow-remote":     func(o *Options) { o.URL = "http://192.0.2.1/" },
		"rate must be":           func(o *Options) { o.Rate = 0 },
		"duration must be":       func(o *Options) { o.For = 0 },
		"neither constant nor":   func(o *Options) { o.Arrivals = "bursts" },
		"key space":              func(o *Options) { o.Keys = -1 },
		"zipf must be above 1":   func(o *Options) { o.Zipf = 1 },
		"closed connections":     func(o *Options) { o.Closed = -1 },
		"connections must":       func(o *Options) { o.Connections = -1 },
		"timeout must":           func(o *Options) { o.Timeout = -1 },
		"body must":              func(o *Options) { o.Body = -1 },
		"job 1 of the plan":      func(o *Options) { o.Plan = []Job{{At: time.Second}, {}} },
		"a plan says when":       func(o *Options) { o.Plan, o.Closed = []Job{{}}, 1 },
		"is no method":           func(o *Options) { o.Method = "GET /" },
		"is no field":            func(o *Options) { o.Header = []string{"no colon"} },
		`"X: a\r\nY: b" is no f`: func(o *Options) { o.Header = []string{"X: a\r\nY: b"} },
	} {
		o := good
		spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want something with %q", err, want)
		}
	}
}
