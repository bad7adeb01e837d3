//go:build faults

package faults

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"poise/test/fleet"
)

// The addresses of the two ends of a veth pair: this side and the far one.
const (
	nearAddress = "10.213.77.1"
	farAddress  = "10.213.77.2"
)

// farSide makes a network namespace that is reached over a pair of interfaces,
// and returns what calls a function inside it and what takes the wire down.
func farSide(t *testing.T) (inside func(func()), cut func()) {
	t.Helper()
	const space, near, far = "poise-far", "poise-near", "poise-far0"
	ip := func(args ...string) error {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			t.Logf("ip %s: %s", strings.Join(args, " "), out)
		}
		return err
	}
	if os.Geteuid() != 0 {
		notRun(t, "network namespaces need root")
	}
	if err := ip("netns", "add", space); err != nil {
		notRun(t, "no network namespace can be made: %v", err)
	}
	t.Cleanup(func() { _ = ip("netns", "del", space) })
	for _, args := range [][]string{
		{"link", "add", near, "type", "veth", "peer", "name", far, "netns", space},
		{"addr", "add", nearAddress + "/30", "dev", near},
		{"link", "set", near, "up"},
		{"-n", space, "addr", "add", farAddress + "/30", "dev", far},
		{"-n", space, "link", "set", far, "up"},
	} {
		if err := ip(args...); err != nil {
			notRun(t, "no pair of interfaces can be made: %v", err)
		}
	}
	inside = func(f func()) {
		runtime.LockOSThread() // never unlocked: the thread ends with its goroutine
		ns, err := os.Open("/run/netns/" + space)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = ns.Close() }()
		if err := unix.Setns(int(ns.Fd()), syscall.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		f()
	}
	return inside, func() {
		if err := ip("-n", space, "link", "set", far, "down"); err != nil {
			t.Error(err)
		}
	}
}

// TestPeersThatVanish has clients and an endpoint whose wire is cut: no end
// and no reset ever comes. Every connection to them is given up by what bounds
// its stage: an idle one and one in a head or body by the listener's limits, a
// request by timeouts.head, a tunnel by TCP keep-alive within a minute.
func TestPeersThatVanish(t *testing.T) {
	inside, cut := farSide(t)
	do := func(f func()) {
		done := make(chan struct{})
		go func() { defer close(done); inside(f) }()
		<-done
	}
	var ln net.Listener
	do(func() {
		var err error
		if ln, err = net.Listen("tcp", farAddress+":0"); err != nil {
			t.Error(err)
		}
	})
	if ln == nil {
		return
	}
	serve(t, ln, echoTunnel)
	near := nearAddress + ":" + strings.TrimPrefix(fleet.FreeAddress(), "127.0.0.1:")
	r := (&plan{odd: ln.Addr().String(), front: near}).start(t)
	s := usual
	s.within = 90 * time.Second
	r.endure(s, func(during func() fleet.Usage) {
		const tunnel = "GET /odd HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
		var all []*fleet.Client
		do(func() {
			for _, says := range []string{"", "GET /wo", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"} {
				for range 20 {
					c, err := fleet.Dial(r.Front)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.WriteString(c, says)
					all = append(all, c)
				}
			}
			for range 20 { // tunnels of clients that vanish as well
				c, err := fleet.Dial(r.Front)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(c, tunnel)
				all = append(all, c)
				if a, err := http.ReadResponse(c.R, nil); err != nil || a.StatusCode != 101 {
					t.Errorf("no tunnel: %v", err)
				}
			}
		})
		for range 20 { // and of clients that stay
			c := r.dial()
			_, _ = io.WriteString(c, tunnel)
			all = append(all, c)
			if a, err := http.ReadResponse(c.R, nil); err != nil || a.StatusCode != 101 {
				t.Errorf("no tunnel: %v", err)
			}
		}
		during()
		cut()
		t.Cleanup(func() {
			for _, c := range all {
				c.Close()
			}
		})
		c := r.dial()
		defer c.Close()
		began := time.Now()
		a, _, err := c.Ask("GET /odd HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil || a.StatusCode != 504 {
			t.Errorf("a request to an endpoint that vanished: %v, %v; want 504", a, err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("that took %v", took)
		}
	})
}
