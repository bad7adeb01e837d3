package route

import (
	"testing"

	"poise/internal/message"
)

func TestKeyValues(t *testing.T) {
	h := request("GET a /p/q?user=u%201&b=&c", "X-User: alice", "x-user: bob", "Cookie: a=1; sid=\"s 1\"; sidx=no", "cookie: other=2")
	for _, c := range []struct {
		key, want string
		has       bool
	}{
		{"ip", "192.0.2.1", true},
		{"path", "/p/q", true},
		{"header:X-USER", "alice", true},
		{"header:x-nobody", "", false},
		{"cookie:sid", "s 1", true},
		{"cookie:other", "2", true},
		{"cookie:si", "", false},
		{"cookie:SID", "", false},
		{"query:user", "u%201", true},
		{"query:b", "", true},
		{"query:none", "", false},
	} {
		t.Run(c.key, func(t *testing.T) {
			k, err := ParseKey(c.key)
			if err != nil {
				t.Fatal(err)
			}
			if got := k.Value(h, []byte("192.0.2.1")); string(got) != c.want {
				t.Errorf("value %q; want %q", got, c.want)
			}
			_, has := k.Hash(h, []byte("192.0.2.1"))
			if has != c.has {
				t.Errorf("has a key: %v; want %v", has, c.has)
			}
		})
	}
}

// TestHashIsTheSameInEveryProcess holds it to the published vector of XXH64: a
// change would send every client elsewhere when a balancer is upgraded.
func TestHashIsTheSameInEveryProcess(t *testing.T) {
	k, _ := ParseKey("header:x-user")
	const want = 0x44bc2cf5ad770999
	if got, _ := k.Hash(request("GET a /", "x-user: abc"), nil); got != want {
		t.Errorf("the hash of abc is %#x; want %#x", got, uint64(want))
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for _, text := range []string{"", "ip:x", "path:", "header", "header:", "cookie", "query:", "user", "Header:x"} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is taken for a hash key", text)
		}
	}
}

func TestCookie(t *testing.T) {
	for value, want := range map[string]string{
		"a=1; a=2": "1", " a=1": "1", "a=": "", `a="x"`: "x", `a="`: `"`, "b=1;a=2": "2", "a": "", "ab=1": "", "; ;a=3": "3", "a=1=2": "1=2",
	} {
		if got := Cookie(request("GET a /", "Cookie: "+value), "a"); string(got) != want {
			t.Errorf("%q has a = %q; want %q", value, got, want)
		}
	}
	if Cookie(&message.Head{}, "a") != nil {
		t.Error("without a Cookie field there is a cookie")
	}
}
