package proxy

import (
	"io"
	"sync/atomic"
	"time"

	"poise/internal/message"
	"poise/internal/transport"
)

// upload is the helper that sends a body which is still arriving, while the
// owner waits for the answer.
type upload struct {
	run     func() // bound once
	stream  transport.Stream
	done    chan struct{}
	started bool
	joined  bool
	ended   atomic.Bool // the client sent all of the body; only writing is left
	bytes   int64
	broken  error // what the client did wrong; read after the join
}

// sendBody is the helper: it sends the body as it arrives.
func (s *state) sendBody() {
	s.upload.broken = s.relayBody()
	s.upload.done <- struct{}{}
}

// relayBody returns what the client did wrong. What the endpoint does wrong
// shows where its answer is awaited.
func (s *state) relayBody() error {
	stream := s.upload.stream
	for {
		if !s.x.Buffered() {
			if stream.Flush() != nil {
				return nil
			}
			if s.upload.bytes > 0 || !s.in.Expect { // whom the client waits for is the endpoint
				s.clientsTurn(stream)
			}
		}
		p, err := s.x.ReadBody()
		stream.SetTimeout(s.proxy.options.Now(), s.idleTimeout())
		if err == io.EOF {
			s.upload.ended.Store(true)
			_ = stream.Finish(s.x.Trailers()) // what is wrong shows where the answer is awaited
			s.ticket.Sent(s.proxy.options.Now())
			return nil
		}
		if err != nil {
			stream.Cancel()
			return err
		}
		s.upload.bytes += int64(len(p))
		if s.in.Framing == message.Length && s.upload.bytes == s.in.Length {
			s.upload.ended.Store(true)
		}
		if stream.WriteBody(p) != nil {
			return nil
		}
	}
}

// clientsTurn has the endpoint's time stand still while the client is waited
// for: a client that is slow is not the endpoint's fault. In a tunnel both are
// waited for at once, and what runs on is the time in which neither speaks.
func (s *state) clientsTurn(stream transport.Stream) {
	switch {
	case s.out.Upgrade != nil:
	case s.up.Timeouts.Total > 0:
		stream.SetTimeout(s.proxy.options.Now(), s.within(0))
	default:
		stream.SetTimeout(0, 0)
	}
}

// overtaken is how long the helper may take for its last write once the
// client's part and the answer are whole.
const overtaken = time.Second

// join ends the helper and waits for it. A body that is not wholly sent by
// now is of no use to anybody: both connections end with the exchange. Where
// the answer overtook only the helper's last step, both are good.
func (s *state) join() {
	u := &s.upload
	if !u.started || u.joined {
		return
	}
	u.joined = true
	select {
	case <-u.done:
		return
	default:
	}
	if u.ended.Load() {
		select {
		case <-u.done:
			return
		case <-time.After(overtaken): // the endpoint reads no more; only its connection ends
		}
	} else {
		s.x.StopReading()
	}
	u.stream.Cancel()
	<-u.done
}
