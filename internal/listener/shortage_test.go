package listener

import (
	"bytes"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestShortageIsSaidOnceAndItsEndOnce(t *testing.T) {
	var out bytes.Buffer
	s := shortage{log: slog.New(slog.NewTextHandler(&out, nil))}
	at := time.Unix(1000, 0)
	now := func() time.Time { return at }
	s.passed(now)
	for range 5000 { // fails and passes in turns for 25 seconds
		s.failed(syscall.EMFILE, at)
		at = at.Add(5 * time.Millisecond)
		s.passed(now)
	}
	if n := strings.Count(out.String(), "level=WARN"); n != 3 || strings.Contains(out.String(), "are accepted") {
		t.Errorf("%d warnings in 25 s, want 3 and no end yet:\n%s", n, out.String())
	}
	at = at.Add(3 * time.Second)
	s.passed(now)
	s.passed(now)
	if n := strings.Count(out.String(), "clients are accepted again"); n != 1 || !strings.Contains(out.String(), "failed=5000") {
		t.Errorf("the end is said %d times, want once:\n%s", n, out.String())
	}
}
