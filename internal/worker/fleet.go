package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// Fleet runs many workers in this process, which costs a machine of two cores
// less than a process each. settings is a JSON array, an object a worker, as
// PUT /control takes them; each is named by its place, from 0. It returns when
// ctx is done or one of them failed.
func Fleet(ctx context.Context, addresses []string, settings string) error {
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(settings), &all); err != nil {
		return fmt.Errorf("the settings: %w", err)
	}
	if len(all) != len(addresses) {
		return fmt.Errorf("%d settings for %d addresses", len(all), len(addresses))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed, running := make(chan error, len(addresses)), 0
	var first error
	for i, a := range addresses {
		w, ln, err := open(i, a, all[i])
		if err != nil {
			first = err
			stop()
			break
		}
		running++
		go func() { failed <- w.Run(ctx, ln) }()
	}
	for range running {
		if err := <-failed; err != nil && first == nil {
			first = err
			stop()
		}
	}
	return first
}

func open(i int, address string, settings json.RawMessage) (*Worker, net.Listener, error) {
	s := Defaults()
	if err := json.Unmarshal(settings, &s); err != nil {
		return nil, nil, fmt.Errorf("settings of %d: %w", i, err)
	}
	if err := s.Validate(); err != nil {
		return nil, nil, fmt.Errorf("settings of %d: %w", i, err)
	}
	ln, err := net.Listen("tcp", address)
	return New(strconv.Itoa(i), s, uint64(i+1)), ln, err
}
