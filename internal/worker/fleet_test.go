package worker

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAFleetIsNamedByPlaceAndEndsWhole(t *testing.T) {
	var at []string
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, ln.Addr().String())
		_ = ln.Close()
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Fleet(ctx, at, `[{"slots": 1}, {"delay": "1ms"}]`) }()
	name := ""
	for until := time.Now().Add(5 * time.Second); name == "" && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if resp, err := http.Get("http://" + at[1] + "/work"); err == nil {
			name = resp.Header.Get("X-Worker")
			_ = resp.Body.Close()
		}
	}
	if name != "1" {
		t.Errorf("the second worker calls itself %q", name)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestAFleetSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ settings, want string }{
		{`[{}]`, "1 settings for 2 addresses"},
		{`{`, "the settings"},
		{`[{"slots": -1}, {}]`, "settings of 0"},
		{`[{}, {"delay": 5}]`, "settings of 1"},
	} {
		if err := Fleet(t.Context(), []string{"127.0.0.1:0", "127.0.0.1:0"}, tt.settings); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.settings, err, tt.want)
		}
	}
}
