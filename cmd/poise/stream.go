package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"

	"poise/internal/watch"
)

// stream hands the events of the API's stream to got, beginning behind the one
// with the id last. It returns io.ErrUnexpectedEOF when the stream ends.
func (k *client) stream(ctx context.Context, last string, got func(watch.Event) error) error {
	answer, err := k.open(ctx, "/api/v1/stream", last)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return k.refused(answer)
	}
	s := bufio.NewScanner(answer.Body)
	s.Buffer(make([]byte, 64<<10), mostAnswer)
	var e watch.Event
	for s.Scan() {
		name, value, _ := bytes.Cut(s.Bytes(), []byte(": "))
		switch string(name) {
		case "id":
			e.ID = string(value)
		case "event":
			e.Kind = string(value)
		case "data":
			e.Data = value // until the next line is read
			if err := got(e); err != nil {
				return err
			}
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
