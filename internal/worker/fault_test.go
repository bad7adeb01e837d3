package worker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSharesOfSeveralFaultsAddUp(t *testing.T) {
	s := Defaults()
	s.Hang, s.Reset, s.Errors, s.CrashMidBody = 0.05, 0.10, 0.20, 0.15
	w := New("a", s, 3)
	const n = 100_000
	got := map[fate]float64{}
	for range n {
		f, _ := w.draw()
		got[f]++
	}
	for f, want := range map[fate]float64{hung: 0.05, reset: 0.10, failed: 0.20, cut: 0.15, answered: 0.50} {
		if most := 5 * math.Sqrt(want*(1-want)/n); math.Abs(got[f]/n-want) > most {
			t.Errorf("fate %d: %.4f of the requests; want %.2f within %.4f", f, got[f]/n, want, most)
		}
	}
}

func TestSeveralFaultsAtOnceOverTheWire(t *testing.T) {
	w, url, _ := start(t, func(s *Settings) {
		s.Delay, s.Reset, s.Errors, s.CrashMidBody, s.Health, s.Body = 0, 0.25, 0.25, 0.25, "fail", 100
	})
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	got := map[string]int{}
	for range 400 {
		r, err := c.Post(url+"/work", "", nil) // which the client does not repeat by itself
		if err != nil {
			got["reset"]++
			continue
		}
		_, err = io.ReadAll(r.Body)
		r.Body.Close()
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF):
			got["cut"]++
		case r.StatusCode == 503:
			got["503"]++
		case r.StatusCode == 200 && err == nil:
			got["200"]++
		default:
			got["other"]++
		}
	}
	for _, what := range []string{"reset", "cut", "503", "200"} {
		if n := got[what]; n < 60 || n > 140 { // 100 and more than four standard deviations
			t.Errorf("%s: %d of 400; want about 100", what, n)
		}
	}
	if got["other"] > 0 {
		t.Errorf("%d were something else", got["other"])
	}
	if r, err := c.Get(url + "/health"); err != nil || r.StatusCode != 503 {
		t.Errorf("health fails as well: %v, %v", r, err)
	} else {
		r.Body.Close()
	}
	w.Set(Defaults())
	if r, err := c.Get(url + "/work"); err != nil || r.StatusCode != 200 {
		t.Errorf("set back: %v, %v", r, err)
	} else {
		r.Body.Close()
	}
}

func TestDistributionsHaveTheShapeTheyName(t *testing.T) {
	const n = 200_000
	draw := func(distribution string) []float64 {
		s := Defaults()
		s.Distribution = distribution
		w := New("a", s, 11)
		r := httptest.NewRequest("GET", "/work", nil)
		all := make([]float64, n)
		for i := range all {
			all[i] = w.serviceTime(r).Seconds() * 1000
		}
		slices.Sort(all)
		return all
	}
	if all := draw("constant"); all[0] != 10 || all[n-1] != 10 {
		t.Errorf("constant: from %v to %v ms; want 10", all[0], all[n-1])
	}
	exponential := draw("exponential")
	for q, want := range map[float64]float64{0.5: 10 * math.Ln2, 0.9: 10 * math.Log(10), 0.99: 10 * math.Log(100)} {
		if got := exponential[int(q*n)]; math.Abs(got-want) > 0.03*want {
			t.Errorf("exponential: quantile %v is %.2f ms; want %.2f", q, got, want)
		}
	}
	heavy := draw("heavy")
	long := 0
	for _, ms := range heavy {
		if ms > 50 {
			long++
		}
	}
	if share := float64(long) / n; math.Abs(share-0.05) > 0.003 {
		t.Errorf("heavy: %.2f %% are long; want 5", 100*share)
	}
	if heavy[n/2] > 6 || math.Abs(heavy[n-1]-102.5) > 0.01 {
		t.Errorf("heavy: p50 %.2f ms, longest %.2f; want about half of the mean, and 102.5", heavy[n/2], heavy[n-1])
	}
}

// TestSlotsServeInTheOrderOfArrival runs the handler on a clock of its own:
// request n comes after n milliseconds and works ten.
func TestSlotsServeInTheOrderOfArrival(t *testing.T) {
	for _, slots := range []int{0, 1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := Defaults()
			s.Slots = slots
			w := New("a", s, 1)
			const n = 20
			began := time.Now()
			var took [n]time.Duration
			var all sync.WaitGroup
			for i := range n {
				all.Go(func() {
					time.Sleep(time.Duration(i) * time.Millisecond)
					w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), "GET", "/work", nil))
					took[i] = time.Since(began)
				})
			}
			all.Wait()
			for i := range n {
				want := time.Duration(i+10) * time.Millisecond // nobody before it
				if slots > 0 && i >= slots {
					want = max(took[i-slots], time.Duration(i)*time.Millisecond) + 10*time.Millisecond
				}
				if took[i] != want {
					t.Errorf("%d slots: request %d was done after %v; want %v", slots, i, took[i], want)
				}
			}
		})
	}
}

func TestMoreSlotsLetTheNextInAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Defaults()
		s.Slots = 1
		w := New("a", s, 1)
		began := time.Now()
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), "GET", "/work", nil))
			})
		}
		time.Sleep(5 * time.Millisecond)
		s.Slots = 4
		w.Set(s)
		all.Wait()
		if took := time.Since(began); took != 15*time.Millisecond {
			t.Errorf("four requests took %v; want 15ms: three of them begin when the slots come", took)
		}
	})
}

func TestWhoWaitedIsQuickWhenTheWorkerIsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Defaults()
		s.Slots, s.Delay = 1, Duration(time.Second)
		w := New("a", s, 1)
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				w.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(context.Background(), "GET", "/work", nil))
			})
		}
		time.Sleep(500 * time.Millisecond)
		s.Delay = Duration(10 * time.Millisecond)
		w.Set(s)
		all.Wait()
		if took := time.Since(began); took != 1020*time.Millisecond {
			t.Errorf("three requests took %v; want 1.02s: the first had begun, the two that waited take 10 ms", took)
		}
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	g := gate{slots: 1, waiting: make([]chan struct{}, mostWaiting), busy: 1}
	if err := g.enter(context.Background()); !errors.Is(err, errFull) {
		t.Errorf("%v; want %v", err, errFull)
	}
}

func TestControlAnswersToThisMachineOnly(t *testing.T) {
	w := New("a", Defaults(), 1)
	for peer, want := range map[string]int{"127.0.0.1:1": 200, "[::1]:1": 200, "[::ffff:127.0.0.1]:1": 200, "192.0.2.1:1": 403, "[2001:db8::1]:1": 403, "": 403} {
		for _, method := range []string{"GET", "PUT"} {
			r := httptest.NewRequest(method, "/control", strings.NewReader(`{"delay": "1ms"}`))
			r.RemoteAddr = peer
			a := httptest.NewRecorder()
			w.ServeHTTP(a, r)
			if a.Code != want {
				t.Errorf("%s from %q: %d; want %d", method, peer, a.Code, want)
			}
		}
	}
	a := httptest.NewRecorder()
	r := httptest.NewRequest("DELETE", "/control", nil)
	r.RemoteAddr = "127.0.0.1:1"
	if w.ServeHTTP(a, r); a.Code != 405 || a.Header().Get("Allow") != "GET, PUT" {
		t.Errorf("DELETE: %d, Allow %q; want 405", a.Code, a.Header().Get("Allow"))
	}
}

func TestEverySettingCanBeChangedAndShown(t *testing.T) {
	w := New("a", Defaults(), 1)
	text := `{"delay":"20ms","distribution":"heavy","slowness":2.5,"slots":3,"distance":"3ms","errors":0.1,"health":"hang","hang":0.2,"reset":0.3,"crash_mid_body":0.4,"cache":5,"body":6,"chunked":true,"report":"X-Inflight"}`
	r := httptest.NewRequest("PUT", "/control", strings.NewReader(text))
	r.RemoteAddr = "127.0.0.1:1"
	a := httptest.NewRecorder()
	w.ServeHTTP(a, r)
	if a.Code != 200 || strings.TrimSpace(a.Body.String()) != text {
		t.Errorf("%d: %s; want %s", a.Code, a.Body, text)
	}
}

func TestSharesAboveAllAreRefused(t *testing.T) {
	s := Defaults()
	s.Errors, s.Reset = 0.7, 0.4
	if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "add up to 110%;") {
		t.Errorf("%v; want an error that names the sum", err)
	}
	s.Reset = 0.3
	if err := s.Validate(); err != nil {
		t.Errorf("exactly all: %v", err)
	}
}

func TestAResetIsOne(t *testing.T) {
	_, url, _ := start(t, func(s *Settings) { s.Reset = 1 })
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "connection reset by peer") {
		t.Errorf("%v; want a reset, not an orderly end", err)
	}
}

func TestTheRawEchoStreams(t *testing.T) {
	_, url, c := start(t, func(*Settings) {})
	r, err := c.Post(url+"/echo?raw=1", "", strings.NewReader("as it came"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if b, err := io.ReadAll(r.Body); string(b) != "as it came" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

func FuzzControl(f *testing.F) {
	f.Add(`{"delay": "200ms", "errors": "10%"}`)
	f.Add(`{"slots": 1e9, "delay": null}`)
	f.Add(`[{}]`)
	f.Fuzz(func(t *testing.T, body string) {
		s, err := Defaults().changed(strings.NewReader(body))
		if err != nil {
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%q was taken and is not valid: %v", body, err)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Errorf("%q was taken and cannot be shown: %v", body, err)
		}
	})
}
