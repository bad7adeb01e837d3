package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

func TestWhoMayDial(t *testing.T) {
	refusal := fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	for _, test := range []struct {
		name string
		did  func(*refused, func() stats.Instant)
		at   time.Duration // after what was done
		want []bool        // who of those that come together may
	}{
		{"anybody at first", func(*refused, func() stats.Instant) {}, 0, []bool{true, true}},
		{"nobody just after a refusal", func(r *refused, now func() stats.Instant) { r.dialed(refusal, now) }, refusedFor - 1, []bool{false, false}},
		{"one of them after a while", func(r *refused, now func() stats.Instant) { r.dialed(refusal, now) }, refusedFor, []bool{true, false, false}},
		{"anybody once it takes connections", func(r *refused, now func() stats.Instant) {
			r.dialed(refusal, now)
			r.dialed(nil, now)
		}, 0, []bool{true, true}},
		{"what is no refusal says nothing", func(r *refused, now func() stats.Instant) {
			r.dialed(context.DeadlineExceeded, now)
		}, 0, []bool{true, true}},
		{"few resets say nothing", func(r *refused, now func() stats.Instant) { resets(r, manyResets-1, now) }, 0, []bool{true, true}},
		{"many are a refusal", func(r *refused, now func() stats.Instant) { resets(r, manyResets, now) }, 0, []bool{false}},
		{"also when connections are made", func(r *refused, now func() stats.Instant) {
			resets(r, manyResets, now)
			r.dialed(nil, now)
		}, 0, []bool{false}},
		{"an answer ends it", func(r *refused, now func() stats.Instant) {
			resets(r, 2*manyResets, now)
			r.answered()
		}, 0, []bool{true, true}},
		{"an answer between resets, too", func(r *refused, now func() stats.Instant) {
			resets(r, manyResets-1, now)
			r.answered()
			resets(r, manyResets-1, now)
		}, 0, []bool{true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				now := func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }
				r := &refused{}
				test.did(r, now)
				time.Sleep(test.at)
				for i, want := range test.want {
					if err := r.mayDial(now); (err == nil) != want {
						t.Errorf("number %d: %v; may dial should be %v", i+1, err, want)
					}
				}
			})
		})
	}
}

func resets(r *refused, n int, now func() stats.Instant) {
	for range n {
		r.reset(now)
	}
}

// TestADialThatHangsKeepsNobodyOut has the one who may dial never come back.
func TestADialThatHangsKeepsNobodyOut(t *testing.T) {
	clock := stats.Instant(1)
	now := func() stats.Instant { return clock }
	r := &refused{}
	r.dialed(syscall.ECONNREFUSED, now)
	for range 3 {
		clock = clock.Add(refusedFor)
		if err := r.mayDial(now); err != nil {
			t.Fatal(err)
		}
		if r.mayDial(now) == nil {
			t.Fatal("two dial at a time")
		}
	}
}

func TestARefusalIsToldWithoutADialAndPasses(t *testing.T) {
	ln, address := listening(t)
	ln.Close()
	pool := poolTo(t, address)
	_, first := pool.Get(context.Background(), 1)
	_, second := pool.Get(context.Background(), 1)
	for _, err := range []error{first, second} {
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Outcome != lb.Connect || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("got %v; want a refusal", err)
		}
	}
	if !errors.Is(second, errRefused) {
		t.Errorf("the second was %v; want it untried", second)
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal("somebody took the port: ", err)
	}
	defer ln.Close()
	time.Sleep(refusedFor)
	s, err := pool.Get(context.Background(), 1)
	if err != nil {
		t.Fatalf("the endpoint is back: %v", err)
	}
	s.Release()
}

func listening(t *testing.T) (ln net.Listener, address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln, ln.Addr().String()
}

func poolTo(t *testing.T, address string) *Pool {
	t.Helper()
	began := time.Now()
	p := New(func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }).Pool(address, Options{})
	t.Cleanup(p.Close)
	return p
}
