package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a worker and returns its address and a client for it.
func start(t *testing.T, change func(*Settings)) (*Worker, string, *http.Client) {
	t.Helper()
	s := Defaults()
	change(&s)
	w := New("a", s, 1)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, ln) }()
	tr := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w, "http://" + ln.Addr().String(), &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	if r.Header.Get("X-Worker") != "a" {
		t.Errorf("no X-Worker in the answer to %s", url)
	}
	return r.StatusCode, string(b)
}

func TestWorkTakesItsTimeAndSlotsQueueTheRest(t *testing.T) {
	_, url, c := start(t, func(s *Settings) { s.Slots = 2 })
	began := time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { get(t, c, url+"/work") })
	}
	all.Wait()
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("ten requests of 10 ms on two slots took %v; want at least 50ms", took)
	}
}

func TestGateServesInOrderAndForgetsWhoLeft(t *testing.T) {
	g := gate{slots: 1}
	_ = g.enter(context.Background())
	var order []int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			ctx := context.Background()
			if i == 2 {
				gone, cancel := context.WithCancel(ctx)
				cancel()
				ctx = gone
			}
			if g.enter(ctx) != nil {
				return
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
			g.leave()
		})
		for { // each is in the queue before the next comes, but for the one that leaves
			g.mu.Lock()
			n := len(g.waiting)
			g.mu.Unlock()
			if i < 2 && n == i+1 || i == 2 || i > 2 && n >= i {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	g.leave()
	all.Wait()
	if len(order) != 4 || order[0] != 0 || order[1] != 1 || order[2] != 3 || order[3] != 4 {
		t.Errorf("served in the order %v; want 0 1 3 4", order)
	}
	if g.busy != 0 || len(g.waiting) != 0 {
		t.Errorf("%d busy, %d waiting at the end", g.busy, len(g.waiting))
	}
}

func TestEveryFaultIsWhatItSays(t *testing.T) {
	w, url, c := start(t, func(*Settings) {})
	set := func(change func(*Settings)) { s := Defaults(); change(&s); w.Set(s) }

	set(func(s *Settings) { s.Errors = 1 })
	if status, _ := get(t, c, url+"/work"); status != 503 {
		t.Errorf("errors: %d; want 503", status)
	}
	set(func(s *Settings) { s.Reset = 1 })
	if r, err := c.Post(url+"/work", "", nil); err == nil {
		r.Body.Close()
		t.Error("reset: there was an answer")
	}
	set(func(s *Settings) { s.CrashMidBody, s.Body = 1, 1000 })
	r, err := c.Get(url + "/work")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	r.Body.Close()
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(b) != 500 {
		t.Errorf("crash: %d bytes, %v; want half of 1000 and a broken end", len(b), err)
	}
	set(func(s *Settings) { s.Health = "fail" })
	if status, _ := get(t, c, url+"/health"); status != 503 {
		t.Errorf("health: %d; want 503", status)
	}
}

func TestWhatHangsIsReleasedByControl(t *testing.T) {
	w, url, c := start(t, func(s *Settings) { s.Hang, s.Health = 1, "hang" })
	answers := make(chan int, 2)
	for _, path := range []string{"/work", "/health"} {
		go func() { s, _ := get(t, c, url+path); answers <- s }()
	}
	select {
	case <-answers:
		t.Fatal("an answer came while it should hang")
	case <-time.After(50 * time.Millisecond):
	}
	w.Set(Defaults())
	for range 2 {
		if s := <-answers; s != 200 {
			t.Errorf("released with %d; want 200", s)
		}
	}
}

func TestControlChangesAllOrNothing(t *testing.T) {
	w, url, c := start(t, func(*Settings) {})
	put := func(body string) int {
		q, _ := http.NewRequest("PUT", url+"/control", strings.NewReader(body))
		r, err := c.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	if s := put(`{"delay": "200ms", "errors": "10%", "slots": 4}`); s != 200 {
		t.Fatalf("good change: %d", s)
	}
	before := w.Settings()
	if before.Delay != Duration(200*time.Millisecond) || before.Errors != 0.1 || before.Slots != 4 {
		t.Errorf("settings: %+v", before)
	}
	for _, bad := range []string{`{"delay": "1s", "erors": 1}`, `{"delay": "1s", "errors": 2}`, `{"delay": "1s", "health": "maybe"}`, `{"delay": 5}`, `[]`, `{"slots": -1}`} {
		if s := put(bad); s != 400 {
			t.Errorf("%s: %d; want 400", bad, s)
		}
		if w.Settings() != before {
			t.Errorf("%s changed something", bad)
		}
	}
	var shown Settings
	_, body := get(t, c, url+"/control")
	if err := json.Unmarshal([]byte(body), &shown); err != nil || shown != before {
		t.Errorf("GET shows %s, %v", body, err)
	}
}

func TestServiceTimesHaveTheirMean(t *testing.T) {
	for _, distribution := range []string{"constant", "exponential", "heavy"} {
		s := Defaults()
		s.Distribution = distribution
		w := New("a", s, 7)
		r, _ := http.NewRequest("GET", "/work", nil)
		sum := 0.0
		const n = 200_000
		for range n {
			sum += float64(w.serviceTime(r))
		}
		if mean := sum / n / 1e6; math.Abs(mean-10) > 0.2 {
			t.Errorf("%s: mean %.2f ms; want 10", distribution, mean)
		}
	}
}

func TestJobsAndKeysSetTheServiceTime(t *testing.T) {
	s := Defaults()
	s.Cache = 2
	w := New("a", s, 1)
	ask := func(key string) time.Duration {
		r, _ := http.NewRequest("GET", "/work", nil)
		r.Header.Set("X-Key", key)
		r.Header.Set("X-Work-Us", "40000")
		return w.serviceTime(r)
	}
	want := map[int]time.Duration{0: 40, 1: 4, 2: 40, 3: 40, 4: 40}
	for i, key := range []string{"a", "a", "b", "c", "a"} { // the last a was pushed out by b and c
		if got := ask(key); got != want[i]*time.Millisecond {
			t.Errorf("request %d (%s): %v; want %v", i, key, got, want[i]*time.Millisecond)
		}
	}
}

func TestASlowWorkerTakesLongerForTheSameJob(t *testing.T) {
	s := Defaults()
	s.Slowness, s.Cache = 4, 1
	w := New("a", s, 1)
	r, _ := http.NewRequest("GET", "/work", nil)
	r.Header.Set("X-Work-Us", "12300")
	for _, want := range []time.Duration{49200 * time.Microsecond, 4920 * time.Microsecond} { // the second time its key is known
		if got := w.serviceTime(r); got != want {
			t.Errorf("a job of 12.3 ms takes %v; want %v", got, want)
		}
	}
	if got := w.serviceTime(&http.Request{}); got != 4*time.Millisecond {
		t.Errorf("a request without a job takes %v; want 4 times a tenth of the delay of 10 ms", got)
	}
	for _, bad := range []string{"0", "-1", "1001", "NaN", "x"} {
		if err := s.Slowness.Set(bad); err == nil {
			t.Errorf("a slowness of %s is taken", bad)
		}
	}
}

func TestDistanceTakesNoSlot(t *testing.T) {
	w, url, c := start(t, func(s *Settings) { s.Distance, s.Slots, s.Delay = Duration(time.Second), 1, 0 })
	gone := make(chan error, 2)
	for range 2 {
		go func() {
			r, err := c.Get(url + "/work")
			if err == nil {
				r.Body.Close()
			}
			gone <- err
		}()
	}
	began := time.Now()
	for range 2 {
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < time.Second || took > 1900*time.Millisecond {
		t.Errorf("two requests took %v; want a second, since neither keeps the other from the one slot", took)
	}
	if n := w.Counts()["answered"]; n != 2 {
		t.Errorf("%d answered", n)
	}
}

func TestEchoTellsWhatCame(t *testing.T) {
	_, url, c := start(t, func(*Settings) {})
	r, err := c.Post(url+"/echo?x=1", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var v struct {
		Method, Query string
		BodyBytes     int `json:"body_bytes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil || v.Method != "POST" || v.Query != "x=1" || v.BodyBytes != 5 {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestTheWorkerReportsWhatIsHere: those that wait as well as those that are
// worked on.
func TestTheWorkerReportsWhatIsHere(t *testing.T) {
	_, url, c := start(t, func(s *Settings) { s.Slots, s.Report, s.Delay = 1, "X-Inflight", Duration(50*time.Millisecond) })
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 3 {
		all.Go(func() {
			r, err := c.Get(url + "/work")
			if err != nil {
				t.Error(err)
				return
			}
			r.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			seen[r.Header.Get("X-Inflight")]++
		})
	}
	all.Wait()
	if seen["3"] != 1 || seen["2"] != 1 || seen["1"] != 1 {
		t.Errorf("three that came together were told of %v; want 3, 2 and 1", seen)
	}
	bad := Defaults()
	if bad.Report = "X Inflight"; bad.Validate() == nil {
		t.Error("a field's name with a space is taken")
	}
}
