package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// The API waits so long for a request's head, for its body, and for the next
// request on a connection, and lets calls finish for so long when it ends.
const (
	headTime = 10 * time.Second
	bodyTime = 10 * time.Second
	idleTime = 2 * time.Minute
	graceful = time.Second
)

// Listen binds the address of the API. Without a token it refuses one that
// other machines reach, whatever a name in it resolves to.
func Listen(address, token string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if at, ok := ln.Addr().(*net.TCPAddr); token == "" && (!ok || !at.IP.IsLoopback()) {
		_ = ln.Close()
		return nil, fmt.Errorf("%s is reachable from other machines and there is no admin.token; set one, or bind to 127.0.0.1", address)
	}
	return ln, nil
}

// longestSocket is what the kernel takes as the path of a socket, in bytes.
const longestSocket = 107

// ListenSocket binds a Unix socket that only this user may open. A socket that
// a killed process left behind is replaced; anything else at the path is not.
func ListenSocket(path string) (net.Listener, error) {
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path of a socket has at most %d bytes, and %s has %d", longestSocket, path, len(path))
	}
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	// A mode that is set after the bind comes too late for whoever connects in
	// between.
	old := syscall.Umask(0o177)
	ln, err := net.Listen("unix", path)
	syscall.Umask(old)
	return ln, err
}

func clearSocket(path string) error {
	at, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case at.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there already and is no socket; move it away or name another path", path)
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("another process answers on %s; stop it or name another path", path)
	}
	return os.Remove(path)
}

// Serve serves a handler on ln until ctx is done.
func Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	server := &http.Server{Handler: bounded(h), ReadHeaderTimeout: headTime, IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.Background(), graceful)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	})
	err := server.Serve(ln)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// bounded gives a body its time. http.Server.ReadTimeout would do so too, and
// end every stream with it. A call that never reads its body needs this as
// well: the server reads the rest of it before it answers.
func bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
		}
		h.ServeHTTP(w, r)
	})
}
