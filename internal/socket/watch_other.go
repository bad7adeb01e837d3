//go:build !linux

package socket

import "errors"

// Watch waits for connections that say nothing; it needs epoll.
type Watch struct{}

// NewWatch fails.
func NewWatch() (*Watch, error) { return nil, errors.ErrUnsupported }

// Add fails.
func (*Watch) Add(*Conn, Waker) error { return errors.ErrUnsupported }

// Take reports that the Watch does not have the connection.
func (*Watch) Take(*Conn) bool { return false }

// Run returns at once.
func (*Watch) Run() {}

// Close does nothing.
func (*Watch) Close() {}
