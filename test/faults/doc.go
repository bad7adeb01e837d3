// Package faults does to a running poise what networks, clients, endpoints,
// disks and limits do to it, and measures that nothing leaks, hangs or grows.
// Its tests carry the tag faults: go test -tags faults ./test/faults
package faults
