//go:build unix && !linux

package listener

import "poise/internal/socket"

// dropSyns does nothing: a client that connects between the last look at the
// queue and the end of the socket is reset.
func dropSyns(*socket.Listener) {}
