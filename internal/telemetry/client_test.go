package telemetry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"poise/internal/app"
	"poise/internal/config"
)

// process is a whole balancer before one endpoint.
type process struct{ listener, admin, log string }

const document = `listeners: [{address: %q}]
admin: {address: %q}
routes:
  - {name: moved, match: {path: /old}, redirect: {path: /new}}
  - {name: shop, match: {host: shop.example}, cluster: web}
clusters: [{name: web, endpoints: [%q], policy: round-robin}]
telemetry: {access_log: {path: %q, format: %s}}
`

func start(t *testing.T, format string) *process {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(endpoint.Close)
	p := &process{listener: free(t), admin: free(t), log: filepath.Join(t.TempDir(), "access.log")}
	text := fmt.Sprintf(document, p.listener, p.admin, endpoint.Listener.Addr(), p.log, format)
	doc := config.Document{Name: "test", Text: []byte(text)}
	c, problems := config.Parse(doc, config.Env{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a, err := app.New(app.Options{Config: c, Document: doc, Log: slog.New(slog.DiscardHandler), Stdout: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("tcp", p.listener); err == nil {
			_ = c.Close()
			return p
		}
		if time.Now().After(deadline) {
			t.Fatal("the listener did not open")
		}
	}
}

func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// send sends bytes as they are and returns the status of the answer.
func (p *process) send(t *testing.T, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", p.listener)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

func (p *process) page(t *testing.T) string {
	t.Helper()
	answer, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// series returns the series of ours, without their values.
func (p *process) series(t *testing.T) (all []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^(poise_[a-z_]+(?:\{.*\})?) \S+$`).FindAllStringSubmatch(p.page(t), -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

// lines waits until the access log has n lines.
func (p *process) lines(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.SplitAfter(string(text), "\n"); len(lines) > n { // an empty one follows the last
			return lines[:len(lines)-1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d lines the access log has\n%s", n, text)
		}
	}
}

func request(method, path, host string, fields ...string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + strings.Join(append(fields, "Connection: close\r\n\r\n"), "\r\n")
}

// TestNoLabelComesFromAClient has clients send whatever they like: the series
// stay those that the configuration makes. A limit is there once it is learnt,
// which is a matter of time.
func TestNoLabelComesFromAClient(t *testing.T) {
	p := start(t, "json")
	for _, r := range []string{request("GET", "/", "shop.example"), request("GET", "/old", "a"), request("GET", "/", "nowhere"), request("TRACE", "/", "a")} {
		p.send(t, r)
	}
	p.lines(t, 4) // a request is counted before its line is written, and after its answer
	before := p.series(t)
	seen := map[int]int{}
	for i := range 50 {
		evil := fmt.Sprintf("evil%d", i)
		for _, r := range []string{
			request(strings.ToUpper(evil), "/"+evil, "shop.example", "X-"+evil+": "+evil, "User-Agent: "+evil, "Cookie: "+evil+"="+evil),
			request("GET", "/%2f"+evil, "shop.example"),
			request("GET", "/", evil+".example"),
			request("GET", `/"}`+evil, "shop.example"),
			request("GET", "/old/"+evil, evil),
			"GET http://" + evil + "/ HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n",
			"GET /" + evil + " HTTP/1.1\r\nHost: " + evil + "\r\nHost: twice\r\n\r\n",
			evil + "\r\n\r\n",
		} {
			seen[p.send(t, r)/100]++
		}
	}
	if seen[2] < 100 || seen[3] < 50 || seen[4] < 250 {
		t.Fatalf("answers by class %v: the requests did not do what they were meant to", seen)
	}
	p.lines(t, 404)
	learnt := func(name string) bool { // these come when something was learnt or judged, whoever asked
		return slices.ContainsFunc([]string{
			"poise_concurrency_limit{", "poise_endpoint_capacity{", "poise_headroom_ratio{", "poise_decisions_total{",
			"poise_predicted_loss_seconds{", "poise_measured_loss_seconds{", "poise_prediction_error_ratio{",
		}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	}
	after := slices.DeleteFunc(p.series(t), learnt)
	if before = slices.DeleteFunc(before, learnt); !slices.Equal(after, before) {
		t.Errorf("the series changed from\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if strings.Contains(strings.ToLower(p.page(t)), "evil") {
		t.Error("something that a client sent is on the page")
	}
}

func TestARefusedRequestHasNoIDOfTheOneBefore(t *testing.T) {
	p := start(t, "json")
	for range 20 {
		p.send(t, request("GET", "/", "shop.example"))
		p.send(t, request("GET", "/%00", "shop.example"))
		p.send(t, "nonsense\r\n\r\n")
	}
	with := 0
	for _, line := range p.lines(t, 60) {
		var got struct {
			Status int
			ID     string
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if (got.Status == 200) != (got.ID != "") {
			t.Errorf("an answer of %d has the id %q", got.Status, got.ID)
		}
		if got.ID != "" {
			with++
		}
	}
	if with != 20 {
		t.Errorf("%d lines have an id; want 20", with)
	}
}

func TestCombinedLinesNameTheClientsProgram(t *testing.T) {
	p := start(t, "combined")
	p.send(t, request("GET", "/x?y", "shop.example", "User-Agent: curl/8.9 \"x\"", "REFERER: http://a/"))
	want := regexp.MustCompile(`^127\.0\.0\.1 - - \[.*\] "GET /x\?y HTTP/1\.1" 200 5 "http://a/" "curl/8\.9 \\"x\\""\n$`)
	if lines := p.lines(t, 1); !want.MatchString(lines[0]) {
		t.Errorf("the line is %s", lines[0])
	}
}
