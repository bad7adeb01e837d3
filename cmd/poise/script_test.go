package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary serve as poise itself, and as http, a client
// for the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"poise": main, "http": httpMain})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"A", "B", "FRONT", "ADMIN"} {
				address, err := freeAddress()
				if err != nil {
					return err
				}
				e.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fill": fill, "await": await, "hold": hold, "exits": exits, "loads": loads,
		},
	})
}

// freeAddress is one of this machine that nobody listens on now.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// fill FILE… replaces $A, $B, $FRONT and $ADMIN in files.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), func(v string) string {
			if value := ts.Getenv(v); value != "" {
				return value
			}
			return "${" + v + "}"
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}

// await URL waits until URL is answered with 200.
func await(ts *testscript.TestScript, neg bool, args []string) {
	last := ""
	for range 500 {
		status, body, err := fetch("GET", args[0], "")
		if err == nil && status == 200 {
			return
		}
		last = fmt.Sprint(status, " ", body, " ", err)
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%s: not within 10 s: %s", args[0], last)
}

// hold ADDRESS listens on an address until the script ends.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	ln, err := net.Listen("tcp", args[0])
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
}

// exits STATUS ARGS… runs poise with ARGS and expects exactly this status.
// What it prints is in the files out and err.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if status := runPoise(ts, args[1:]); status != args[0] {
		ts.Fatalf("poise %s: exit status %s; want %s", strings.Join(args[1:], " "), status, args[0])
	}
}

// loads ARGS… runs poise load with ARGS. That requests left late is no
// failure here: it depends on what else the machine does.
func loads(ts *testscript.TestScript, neg bool, args []string) {
	status := runPoise(ts, append([]string{"load"}, args...))
	if late := status == "1" && strings.Contains(ts.ReadFile("stderr"), "of the requests left late"); status != "0" && !late {
		ts.Fatalf("poise load: exit status %s", status)
	}
}

func runPoise(ts *testscript.TestScript, args []string) (status string) {
	err := ts.Exec("poise", args...)
	for file, stream := range map[string]string{"out": "stdout", "err": "stderr"} {
		ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), file), []byte(ts.ReadFile(stream)), 0o644))
	}
	if err != nil {
		return strings.TrimPrefix(err.Error(), "exit status ")
	}
	return "0"
}

// httpMain is `http METHOD URL [BODY]`: it prints the status, X-Worker where
// there is one, and the body.
func httpMain() {
	body := ""
	if len(os.Args) > 3 {
		body = os.Args[3]
	}
	status, text, err := fetch(os.Args[1], os.Args[2], body)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(status, text)
}

func fetch(method, url, body string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	r, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, strings.TrimSpace(r.Header.Get("X-Worker") + " " + string(b)), err
}
