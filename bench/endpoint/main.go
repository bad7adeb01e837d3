// Command endpoint is the endpoint of the benchmarks: it does as little as it
// can for a request, so that it is never what is measured.
package main

import (
	"bytes"
	"flag"
	"log"
	"net"
)

var answer = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Worker: bench\r\nContent-Length: 14\r\n\r\nhello, world!\n")

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c)
	}
}

// serve answers whatever ends with an empty line. Requests have no bodies
// here.
func serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4<<10)
	n := 0
	for {
		m, err := c.Read(buf[n:])
		if err != nil {
			return
		}
		n += m
		ends := bytes.Count(buf[:n], []byte("\r\n\r\n"))
		if ends == 0 {
			continue
		}
		for range ends {
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
		last := bytes.LastIndex(buf[:n], []byte("\r\n\r\n")) + 4
		n = copy(buf, buf[last:n])
	}
}
