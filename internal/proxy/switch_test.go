package proxy

import (
	"testing"

	"poise/internal/message"
)

func TestWishesToSwitchThatArePassedOn(t *testing.T) {
	for _, tt := range []struct {
		name string
		head message.Head
		want bool
	}{
		{"websocket", message.Head{Upgrade: []byte("websocket")}, true},
		{"a list", message.Head{Upgrade: []byte("a/1, websocket")}, true},
		{"a name that begins like HTTP", message.Head{Upgrade: []byte("httpx/1")}, true},
		{"an announced body of nothing", message.Head{Upgrade: []byte("websocket"), Framing: message.Length}, true},
		{"a body", message.Head{Upgrade: []byte("websocket"), Framing: message.Length, Length: 1}, false},
		{"a body in chunks", message.Head{Upgrade: []byte("websocket"), Framing: message.Stream}, false},
		{"a client that waits for 100", message.Head{Upgrade: []byte("websocket"), Expect: true}, false},
		{"HTTP/2 in clear text", message.Head{Upgrade: []byte("H2C")}, false},
		{"HTTP/2 behind another", message.Head{Upgrade: []byte("websocket , h2c")}, false},
		{"HTTP by its name", message.Head{Upgrade: []byte("HTTP/2.0")}, false},
	} {
		if got := maySwitch(&tt.head); got != tt.want {
			t.Errorf("%s: %t; want %t", tt.name, got, tt.want)
		}
	}
}
