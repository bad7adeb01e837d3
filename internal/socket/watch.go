package socket

// Waker is who waits on a connection.
type Waker interface {
	// Wake says that something came: bytes, the end, or an error. The
	// connection is then the Waker's again. It must not wait for anything.
	Wake()
}
