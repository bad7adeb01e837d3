package worker

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"testing"
)

func TestEveryRequestIsCountedByItsFate(t *testing.T) {
	w, url, c := start(t, func(s *Settings) { s.Delay = 0 })
	set := func(change func(*Settings)) { s := Defaults(); s.Delay = 0; change(&s); w.Set(s) }
	for n, change := range []func(*Settings){
		func(*Settings) {},
		func(s *Settings) { s.Errors = 1 },
		func(s *Settings) { s.Reset = 1 },
		func(s *Settings) { s.CrashMidBody = 1 },
	} {
		set(change)
		for range n + 1 {
			r, err := c.Post(url+"/work", "", nil) // which the client does not repeat by itself
			if err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		}
	}
	r, err := c.Get(url + "/counts")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var got map[string]int64
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"answered": 1, "errors": 2, "hang": 0, "reset": 3, "crash_mid_body": 4}
	if !maps.Equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}

func TestCountsAnswerToThisMachineOnly(t *testing.T) {
	r := httptest.NewRequest("GET", "/counts", nil)
	r.RemoteAddr = "192.0.2.1:1"
	a := httptest.NewRecorder()
	if New("a", Defaults(), 1).ServeHTTP(a, r); a.Code != 403 {
		t.Errorf("%d; want 403", a.Code)
	}
}

func TestAChunkedAnswerIsWholeOrVisiblyCut(t *testing.T) {
	w, url, c := start(t, func(s *Settings) { s.Delay, s.Chunked, s.Body = 0, true, 1<<20 })
	ask := func() (announced int64, body []byte, err error) {
		r, err := c.Get(url + "/work")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, err = io.ReadAll(r.Body)
		return r.ContentLength, body, err
	}
	announced, body, err := ask()
	if err != nil || len(body) != 1<<20 || announced != -1 {
		t.Errorf("%d bytes of an announced %d, %v; want 1 MiB in chunks", len(body), announced, err)
	}
	s := w.Settings()
	s.CrashMidBody = 1
	w.Set(s)
	announced, body, err = ask()
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 1<<19 || announced != -1 {
		t.Errorf("%d bytes of an announced %d, %v; want half of it and an unexpected end", len(body), announced, err)
	}
}
