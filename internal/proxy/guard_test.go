package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/guard"
	"poise/internal/guard/admit"
	"poise/internal/guard/retry"
	"poise/internal/lb"
	"poise/internal/message"
	"poise/internal/record"
	"poise/internal/route"
	"poise/internal/stats"
	"poise/internal/transport"
)

// spot is an endpoint without a socket. Its answers come after a time, or
// never; they may break off.
type spot struct {
	name    string
	now     func() stats.Instant
	delay   time.Duration
	hangs   bool
	unheard bool // making a connection takes for ever
	cut     bool
	status  int
	opened  atomic.Int32
	streams sync.Pool
}

func (p *spot) Get(ctx context.Context, _ uint64) (transport.Stream, error) {
	p.opened.Add(1)
	if p.unheard {
		<-ctx.Done()
		return nil, &transport.Error{Op: "connect", Outcome: lb.Connect, Err: ctx.Err()}
	}
	s, _ := p.streams.Get().(*spotStream)
	if s == nil {
		s = &spotStream{spot: p, gone: make(chan struct{}, 1)}
		s.head.Reset()
	}
	s.canceled, s.read = false, false
	return s, nil
}

type spotStream struct {
	*spot
	head     message.Head
	mu       sync.Mutex
	canceled bool
	gone     chan struct{}
	read     bool
	sent     stats.Instant
}

var body = []byte("ok")

func (s *spotStream) WriteHead(*message.Head) error           { return nil }
func (s *spotStream) WriteBody([]byte) error                  { return nil }
func (s *spotStream) Flush() error                            { return nil }
func (s *spotStream) Finish([]message.Field) error            { s.sent = s.now(); return nil }
func (s *spotStream) Buffered() bool                          { return !s.read }
func (s *spotStream) Whole() bool                             { return !s.cut }
func (s *spotStream) Trailers() []message.Field               { return nil }
func (s *spotStream) SetTimeout(stats.Instant, time.Duration) {}
func (s *spotStream) Sent() bool                              { return true }
func (s *spotStream) SentAt() stats.Instant                   { return s.sent }

func (s *spotStream) Gather() error {
	return &transport.Error{Op: "body", Outcome: lb.Cut, Err: io.ErrUnexpectedEOF}
}

func (s *spotStream) ReadBody() ([]byte, error) {
	if s.read {
		return nil, io.EOF
	}
	s.read = true
	return body, nil
}

func (s *spotStream) Cancel() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.canceled {
		s.canceled = true
		s.gone <- struct{}{}
	}
}

func (s *spotStream) Release() {
	select {
	case <-s.gone:
	default:
	}
	s.streams.Put(s)
}

func (s *spotStream) ReadHead() (*message.Head, error) {
	var after <-chan time.Time
	if s.delay > 0 {
		after = time.After(s.delay)
	}
	if s.hangs || s.delay > 0 {
		select {
		case <-after:
		case <-s.gone:
			return nil, &transport.Error{Op: "head", Outcome: lb.Canceled, Err: errors.New("canceled")}
		}
	}
	s.head.Status, s.head.Framing, s.head.Length = max(s.status, 200), message.Length, int64(len(body))
	return &s.head, nil
}

// asker is a client that sends a GET.
type asker struct {
	client
	mu      sync.Mutex
	watcher message.Canceler
	got     []byte
}

func (a *asker) Watch(w message.Canceler) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watcher = w
}

// leave is what a client does that goes.
func (a *asker) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watcher.Cancel()
}

func (a *asker) WriteBody(p []byte) error { a.got = append(a.got[:0], p...); return nil }

func newAsker() *asker {
	a := &asker{}
	a.head.Reset()
	a.head.Method, a.head.Path, a.head.Authority, a.head.Scheme = []byte("GET"), []byte("/"), []byte("a"), []byte("http")
	a.head.Major, a.head.Minor = 1, 1
	a.conn.RemoteText = []byte("127.0.0.1")
	return a
}

// stand is a proxy over spots, in a bubble of its own time.
type stand struct {
	now     func() stats.Instant
	up      *Upstream
	handler message.Handler
	spots   []*spot
}

func newStand(o guard.Options, spots ...*spot) *stand {
	began := time.Now()
	s := &stand{now: func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }, spots: spots}
	byName := map[string]*spot{}
	var specs []cluster.Spec
	for i, p := range spots {
		p.name, p.now = "127.0.0.1:"+string(rune('1'+i)), s.now
		byName[p.name] = p
		specs = append(specs, cluster.Spec{Address: p.name})
	}
	budget := retry.NewBudget(0.5).WithHedges(0.5)
	c := cluster.New(cluster.Options{
		Name: "web", Policy: "round-robin", Builders: catalog.Builders(), Wall: time.Now,
		Attach: func(e *lb.Endpoint) (any, func()) { guard.Attach(e); return byName[e.Address], nil },
	}, specs)
	routes, err := route.Compile([]route.Spec{{To: []route.Target{{Cluster: "web", Weight: 1}}}})
	if err != nil {
		panic(err)
	}
	s.up = &Upstream{
		Name: "web", Cluster: c, Attempts: &record.Attempts{}, Guard: guard.New(o, budget),
		Retry: Retry{Most: 1, Connect: true, Reset: true, Statuses: []int{503}},
	}
	var members []guard.Member
	for _, e := range c.Snapshot().Members {
		members = append(members, guard.Member{Endpoint: e, Usable: true})
	}
	s.up.Guard.Watch(members, s.now())
	p := New(Options{Now: s.now, Wall: time.Now, Seed: func() uint64 { return 1 }, Book: &record.Book{}, Log: slog.New(slog.DiscardHandler)})
	p.Publish(&Table{Routes: routes, Targets: [][]*Upstream{{s.up}}})
	s.handler = p.Handler("test")
	return s
}

// ask serves one request and says what came of it, and how long it took.
func (s *stand) ask() (*asker, time.Duration) {
	a, began := newAsker(), s.now()
	s.handler.Serve(a)
	return a, s.now().Sub(began)
}

// tick ticks the guard until the function that it returns is called.
func (s *stand) tick() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(guard.TickEvery):
				for _, back := range s.up.Guard.Tick(s.now()).TakeBack {
					back.Take()
				}
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// noneUnderWay checks that every attempt was counted out.
func (s *stand) noneUnderWay(t *testing.T) {
	t.Helper()
	for _, e := range s.up.Cluster.Snapshot().Members {
		if n := e.Live.Inflight(); n != 0 {
			t.Errorf("%d attempts are under way at %s; want none", n, e.Address)
		}
	}
}

func TestAShortAnswerThatBreaksOffIsAskedForElsewhere(t *testing.T) {
	s := newStand(guard.Options{}, &spot{cut: true}, &spot{})
	for range 4 {
		if a, _ := s.ask(); a.answer.Status != 200 || string(a.got) != "ok" || a.aborted {
			t.Errorf("status %d, body %q, aborted %v; want the other endpoint's answer", a.answer.Status, a.got, a.aborted)
		}
	}
	if n := s.up.Attempts.Retries[lb.Cut].Load(); n == 0 || int32(n) != s.spots[0].opened.Load() {
		t.Errorf("%d retries for %d cut answers; want one for each", n, s.spots[0].opened.Load())
	}
	s.noneUnderWay(t)
}

func TestAShortAnswerThatNobodyCanReplaceIs502(t *testing.T) {
	s := newStand(guard.Options{}, &spot{cut: true})
	if a, _ := s.ask(); a.answer.Status != 502 || a.aborted {
		t.Errorf("status %d, aborted %v; want 502", a.answer.Status, a.aborted)
	}
	s.noneUnderWay(t)
}

func TestAHedgeIsSentAfterItsTimeAndTheLoserEnds(t *testing.T) {
	for name, row := range map[string]struct {
		first, second *spot
		took          time.Duration
		won, lost     uint64
	}{
		"the hedge wins":       {&spot{hangs: true}, &spot{delay: 5 * time.Millisecond}, 25 * time.Millisecond, 1, 0},
		"the first wins":       {&spot{delay: 30 * time.Millisecond}, &spot{delay: time.Second}, 30 * time.Millisecond, 0, 1},
		"no hedge is needed":   {&spot{delay: 10 * time.Millisecond}, &spot{}, 10 * time.Millisecond, 0, 0},
		"a hedge hangs itself": {&spot{delay: 40 * time.Millisecond}, &spot{hangs: true}, 40 * time.Millisecond, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(guard.Options{Hedge: retry.Hedge{After: 20 * time.Millisecond}}, row.first, row.second)
				s.up.Guard.Tick(s.now())
				time.Sleep(2 * time.Second) // latencies, and with them the hedge, are looked at once a second
				s.up.Guard.Tick(s.now())
				a, took := s.ask()
				if a.answer.Status != 200 || took != row.took {
					t.Errorf("status %d after %v; want 200 after %v", a.answer.Status, took, row.took)
				}
				h := &s.up.Attempts.Hedges
				if h[record.HedgeWon].Load() != row.won || h[record.HedgeLost].Load() != row.lost {
					t.Errorf("%d won and %d lost; want %d and %d", h[record.HedgeWon].Load(), h[record.HedgeLost].Load(), row.won, row.lost)
				}
				s.noneUnderWay(t)
			})
		})
	}
}

func TestAClientThatLeavesEndsBothAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(guard.Options{Hedge: retry.Hedge{After: 20 * time.Millisecond}}, &spot{hangs: true}, &spot{hangs: true})
		time.Sleep(2 * time.Second)
		s.up.Guard.Tick(s.now())
		a := newAsker()
		go func() { time.Sleep(50 * time.Millisecond); a.leave() }()
		began := time.Now()
		s.handler.Serve(a)
		if took := time.Since(began); took != 50*time.Millisecond || s.spots[0].opened.Load()+s.spots[1].opened.Load() != 2 {
			t.Errorf("it took %v and %d attempts; want both to end with the client", took, s.spots[0].opened.Load()+s.spots[1].opened.Load())
		}
		s.noneUnderWay(t)
	})
}

// takesBack asks n times, a hundred a second, while the guard ticks, and wants
// every answer soon and some requests taken back.
func (s *stand) takesBack(t *testing.T, n int) {
	t.Helper()
	ticking, asking := s.tick(), sync.WaitGroup{}
	for range n {
		asking.Go(func() {
			if a, took := s.ask(); a.answer.Status != 200 || took > 1500*time.Millisecond {
				t.Errorf("status %d after %v; want 200 soon", a.answer.Status, took)
			}
		})
		time.Sleep(10 * time.Millisecond)
	}
	asking.Wait()
	ticking()
	if s.up.Attempts.Retries[lb.Timeout].Load() == 0 {
		t.Error("nothing was taken back")
	}
}

func TestRequestsThatWaitAtAStalledEndpointAreSentElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(guard.Defaults(), &spot{hangs: true}, &spot{delay: time.Millisecond}, &spot{delay: time.Millisecond})
		s.takesBack(t, 300)
		s.noneUnderWay(t)
	})
}

// TestTheMakingOfAConnectionIsGivenUp has an endpoint whose connections are
// never made: requests that are taken back and clients that leave do not wait
// for it.
func TestTheMakingOfAConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(guard.Defaults(), &spot{unheard: true}, &spot{delay: time.Millisecond}, &spot{delay: time.Millisecond})
		s.takesBack(t, 100)
		s.noneUnderWay(t)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStand(guard.Defaults(), &spot{unheard: true})
		for range 3 { // the same state again
			a, began := newAsker(), time.Now()
			time.AfterFunc(50*time.Millisecond, a.leave)
			s.handler.Serve(a)
			if took := time.Since(began); took != 50*time.Millisecond {
				t.Errorf("it ended after %v; want with its client", took)
			}
		}
		e := s.up.Cluster.Snapshot().Members[0]
		if n := e.Stats.Outcomes[lb.Canceled].Load(); n != 3 {
			t.Errorf("%d of 3 attempts count as canceled", n)
		}
	})
}

// TestARetryAvoidsTheEndpointOfAHedgeThatFailed has the first attempt break
// off after its hedge has failed, with one more endpoint left.
func TestARetryAvoidsTheEndpointOfAHedgeThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spots := []*spot{{delay: 50 * time.Millisecond, cut: true}, {status: 500}, {}}
		s := newStand(guard.Options{Hedge: retry.Hedge{After: 20 * time.Millisecond}}, spots...)
		time.Sleep(2 * time.Second)
		s.up.Guard.Tick(s.now())
		for range 9 {
			if a, _ := s.ask(); a.answer.Status == 502 {
				t.Error("the answer broke off, and nobody was left to ask")
			}
		}
		first, hedged := s.spots[0].opened.Load(), s.up.Attempts.Hedges[record.HedgeFailed].Load()
		if first == 0 || hedged == 0 {
			t.Fatalf("%d attempts at the first, %d hedges failed; want some of each", first, hedged)
		}
		if n := s.spots[1].opened.Load(); uint64(n) > hedged+3 { // three are its own turns
			t.Errorf("%d attempts at the endpoint of the hedges, of which %d were hedges", n, hedged)
		}
		s.noneUnderWay(t)
	})
}

func TestARequestWaitsForRoomAndNoLongerThanItMay(t *testing.T) {
	for name, row := range map[string]struct {
		delay  time.Duration
		status int
	}{
		"room comes":    {50 * time.Millisecond, 200},
		"none comes":    {time.Second, 503},
		"it comes late": {150 * time.Millisecond, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(guard.Options{Concurrency: guard.Fixed, Limit: 1, Queue: admit.QueueOptions{Most: 5, Timeout: 4 * time.Second}}, &spot{delay: row.delay})
				var wg sync.WaitGroup
				wg.Go(func() { s.ask() })
				synctest.Wait()
				stop := time.AfterFunc(500*time.Millisecond, func() { s.up.Guard.Tick(s.now()) })
				defer stop.Stop()
				a, took := s.ask()
				if a.answer.Status != row.status || took > 600*time.Millisecond {
					t.Errorf("status %d after %v; want %d", a.answer.Status, took, row.status)
				}
				wg.Wait()
				s.noneUnderWay(t)
			})
		})
	}
}

// BenchmarkGuardedRequest is a whole exchange over endpoints without sockets;
// what the guard costs of it is BenchmarkRequest of package guard.
func BenchmarkGuardedRequest(b *testing.B) {
	s := newStand(guard.Defaults(), &spot{}, &spot{}, &spot{})
	a := newAsker()
	for b.Loop() {
		s.handler.Serve(a)
	}
}
