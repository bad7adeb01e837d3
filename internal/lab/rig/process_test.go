package rig

import (
	"strings"
	"testing"
)

func TestAProgramThatEndsSaysWhy(t *testing.T) {
	p, err := Start("", "sh", "-c", "echo no such configuration >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	a, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	err = p.Ready(t.Context(), a)
	p.Stop()
	if err == nil || !strings.Contains(err.Error(), "no such configuration") || !strings.Contains(err.Error(), "sh -c") {
		t.Errorf("%v; want what was run and what it printed", err)
	}
	if _, err := Start("", "no-such-program"); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestOnlyTheEndOfALogIsKept(t *testing.T) {
	var l tail
	for range 100 {
		_, _ = l.Write([]byte(strings.Repeat("x", 999) + "\n"))
	}
	_, _ = l.Write([]byte("the end"))
	if s := l.String(); len(s) > mostLog || !strings.HasSuffix(s, "the end") {
		t.Errorf("%d bytes, ending in %q", len(s), s[len(s)-10:])
	}
}
