package rig

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// discard has one request answered and drops the answer.
func discard(c net.Conn, br *bufio.Reader) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Idle opens n connections, has one answer on each, and leaves them idle
// until close is called.
func Idle(address string, n int) (closeAll func(), err error) {
	var all []net.Conn
	closeAll = func() {
		for _, c := range all {
			_ = c.Close()
		}
	}
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			closeAll()
			return nil, err
		}
		all = append(all, c)
		if err := discard(c, bufio.NewReaderSize(c, 512)); err != nil {
			closeAll()
			return nil, err
		}
	}
	return closeAll, nil
}

// IdleCost returns the bytes of RSS that each of n idle connections costs in
// r, above what it had before.
func IdleCost(r *Running, n int) (float64, error) {
	before, err := r.Usage()
	if err != nil {
		return 0, err
	}
	closeAll, err := Idle(r.Address, n)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	time.Sleep(time.Second)
	after, err := r.Usage()
	return (after.RSS - before.RSS) / float64(n), err
}
