//go:build linux

package socket

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// awoken counts wakes.
type awoken chan struct{}

func (a awoken) Wake() { a <- struct{}{} }

// watching returns a Watch that runs until the test ends.
func watching(t *testing.T) *Watch {
	t.Helper()
	w, err := NewWatch()
	if err != nil {
		t.Fatal(err)
	}
	var ran sync.WaitGroup
	ran.Go(w.Run)
	t.Cleanup(func() { w.Close(); ran.Wait() })
	return w
}

func TestWatchWakesOnce(t *testing.T) {
	for name, event := range map[string]func(*net.TCPConn) error{
		"bytes":    func(c *net.TCPConn) error { _, err := io.WriteString(c, "x"); return err },
		"half end": (*net.TCPConn).CloseWrite,
		"end":      (*net.TCPConn).Close,
	} {
		for _, early := range []bool{false, true} {
			w := watching(t)
			near, far := pair(t)
			woken := make(awoken, 2)
			if early {
				if err := event(far); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Add(near, woken); err != nil {
				t.Fatal(err)
			}
			if !early {
				if err := event(far); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case <-woken:
			case <-time.After(5 * time.Second):
				t.Fatalf("%s, early %v: no wake", name, early)
			}
			if w.Take(near) {
				t.Errorf("%s, early %v: taken after it woke", name, early)
			}
			if err := w.Add(near, woken); err != nil { // what is unread wakes again
				t.Fatal(err)
			}
			<-woken
		}
	}
}

func TestWatchGivesBackOnce(t *testing.T) {
	w := watching(t)
	near, far := pair(t)
	if w.Take(near) {
		t.Error("taken before it was added")
	}
	woken := make(awoken, 2)
	for range 3 {
		if err := w.Add(near, woken); err != nil {
			t.Fatal(err)
		}
		if !w.Take(near) || w.Take(near) {
			t.Error("want it given back once")
		}
	}
	if _, err := io.WriteString(far, "x"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-woken:
		t.Error("woken after it was taken")
	case <-time.After(50 * time.Millisecond):
	}
}

// TestWatchAndTakersAgree has a byte and a taker come at once: one of them
// gets the connection.
func TestWatchAndTakersAgree(t *testing.T) {
	w := watching(t)
	near, far := pair(t)
	for range 500 {
		woken := make(awoken, 2)
		if err := w.Add(near, woken); err != nil {
			t.Fatal(err)
		}
		var wrote sync.WaitGroup
		wrote.Go(func() { _, _ = io.WriteString(far, "x") })
		if w.Take(near) {
			select {
			case <-woken:
				t.Fatal("both got it")
			default:
			}
		} else {
			<-woken
		}
		wrote.Wait()
		var b [1]byte
		if _, err := near.Read(b[:]); err != nil {
			t.Fatal(err)
		}
	}
}
