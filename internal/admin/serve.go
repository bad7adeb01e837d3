package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
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

// CheckReach refuses an API that was bound where other machines reach it
// without a token, whatever a name in its address resolved to.
func CheckReach(at net.Addr, token string) error {
	if tcp, ok := at.(*net.TCPAddr); token == "" && (!ok || !tcp.IP.IsLoopback()) {
		return fmt.Errorf("%s is reachable from other machines and there is no admin.token; set one, or bind to 127.0.0.1", at)
	}
	return nil
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
