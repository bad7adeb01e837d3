package transport

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"poise/internal/stats"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRunClosesEveryConnectionWhenItEnds has one connection that waits.
func TestRunClosesEveryConnectionWhenItEnds(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	began := time.Now()
	tr := New(func() stats.Instant { return stats.Instant(time.Since(began)) + 1 })
	ctx, cancel := context.WithCancel(context.Background())
	var ran sync.WaitGroup
	ran.Go(func() { tr.Run(ctx) })
	pool := tr.Pool(ln.Addr().String(), Options{})
	s, err := pool.Get(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	pool.put(s.(*conn))
	if pool.Idle() != 1 || pool.Open() != 1 {
		t.Fatalf("%d wait of %d", pool.Idle(), pool.Open())
	}
	cancel()
	ran.Wait()
	if pool.Idle() != 0 || pool.Open() != 0 {
		t.Errorf("%d wait of %d after the end", pool.Idle(), pool.Open())
	}
	_ = peer.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := peer.Read(make([]byte, 1)); err == nil || err.Error() != "EOF" {
		t.Errorf("the endpoint saw %v; want the end of the connection", err)
	}
	if _, err := pool.Get(context.Background(), 1); err == nil {
		t.Error("a pool that was closed gave a connection")
	}
}
