// Command engine measures what the decision engine costs beside traffic that
// it only sees as records: the real engine, learner and judge over clusters of
// which somebody makes up the attempts, at a rate, in real time. It prints
// JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"syscall"
	"time"

	"poise/internal/balance"
	"poise/internal/balance/catalog"
	"poise/internal/cluster"
	"poise/internal/decide"
	"poise/internal/engine"
	"poise/internal/lb"
	"poise/internal/learn"
	"poise/internal/record"
	"poise/internal/stats"
)

// Found is what is printed.
type Found struct {
	Seconds   float64 `json:"seconds"`
	Records   int     `json:"records"`
	Engine    float64 `json:"engine_cpu"`  // seconds, by the engine's own account
	Process   float64 `json:"process_cpu"` // seconds, of everything; without the engine it is what making records up costs
	Postponed uint64  `json:"postponed"`
	Decisions int     `json:"decisions"`
}

func main() {
	clusters := flag.Int("clusters", 1, "clusters")
	endpoints := flag.Int("endpoints", 100, "endpoints of each")
	rate := flag.Float64("rate", 10_000, "attempts a second, of all clusters together")
	span := flag.Duration("for", time.Minute, "how long")
	idle := flag.Bool("idle", false, "without the engine")
	profile := flag.String("profile", "", "file for a CPU profile of the whole process")
	flag.Parse()
	stop, err := profiled(*profile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
	f, err := run(*clusters, *endpoints, *rate, *span, *idle)
	stop()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

// profiled begins a CPU profile into a file, "" for none.
func profiled(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}

// made is a cluster of which the attempts are made up.
type made struct {
	cluster *cluster.Cluster
	ring    *record.Ring
	means   []float64 // seconds of an attempt, by endpoint
}

func run(clusters, endpoints int, rate float64, span time.Duration, idle bool) (Found, error) {
	began := time.Now()
	now := func() stats.Instant { return stats.Instant(time.Since(began)) + 1 }
	var all []*made
	var subjects []*engine.Subject
	for i := range clusters {
		m := begin(fmt.Sprintf("c%d", i), endpoints)
		all = append(all, m)
		subjects = append(subjects, m.subject())
	}
	journal := engine.NewJournal(nil, nil)
	e := engine.New(engine.Options{Now: now, Wall: time.Now, Log: slog.New(slog.DiscardHandler), Journal: journal})
	e.Set(subjects)
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if !idle {
			e.Run(ctx)
		}
	}()
	before := used()
	n := traffic(ctx, all, rate, now)
	<-ended
	return Found{
		Seconds: time.Since(began).Seconds(), Records: n, Engine: e.Cost().CPU.Seconds(), Process: (used() - before).Seconds(),
		Postponed: e.Cost().Postponed, Decisions: len(journal.Entries(engine.Query{})),
	}, nil
}

func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no process of its own
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func begin(name string, endpoints int) *made {
	m := &made{ring: record.NewRing(record.RingSize)}
	var specs []cluster.Spec
	for i := range endpoints {
		specs = append(specs, cluster.Spec{Address: fmt.Sprintf("10.0.%d.%d:80", i/250, i%250), Weight: 1})
		m.means = append(m.means, []float64{0.02, 0.02, 0.03, 0.06}[i%4])
	}
	m.cluster = cluster.New(cluster.Options{
		Name: name, Policy: "adaptive", Builders: catalog.Builders(), Balance: balance.Options{}, Affinity: &lb.Affinity{}, Wall: time.Now,
		OnChange: func(cluster.Event) {},
	}, specs)
	return m
}

// subject is the cluster as the engine of a balancer gets it.
func (m *made) subject() *engine.Subject {
	terms := &engine.Terms{Evaluate: 10 * time.Second, Judge: decide.Options{Mode: decide.Auto, Evaluate: 10 * time.Second, Dwell: time.Minute, Margin: 0.08, FailureCost: 2 * time.Second}}
	return &engine.Subject{
		Cluster: m.cluster, Terms: func() *engine.Terms { return terms }, Drain: m.ring.Drain,
		Pending: func(into []lb.Pending) []lb.Pending { return into }, Shed: func() uint64 { return 0 },
		Minds: func(t *engine.Terms, yield func()) engine.Minds {
			o := t.Judge
			o.Yield = yield
			a := &lb.Affinity{}
			l := learn.New(learn.Options{Affinity: a})
			return engine.Minds{Learner: l, Judge: decide.New(o), Fill: func(v *decide.View) { v.Learner, v.Affinity = l, a }}
		},
	}
}

// traffic appends records at a rate until ctx is done, and returns how many.
func traffic(ctx context.Context, all []*made, rate float64, now func() stats.Instant) (n int) {
	const every = 5 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	dice := rand.New(rand.NewPCG(1, 2))
	began := now()
	for {
		select {
		case <-ctx.Done():
			return n
		case <-tick.C:
		}
		for want := int(rate * now().Sub(began).Seconds()); n < want; n++ {
			all[n%len(all)].attempt(dice, now())
		}
	}
}

func (m *made) attempt(dice *rand.Rand, end stats.Instant) {
	members := m.cluster.Snapshot().Members
	i := dice.IntN(len(members))
	took := time.Duration(m.means[i] * dice.ExpFloat64() * float64(time.Second))
	r := lb.Record{
		Sent: end.Add(-took), Took: took, Latency: took, Endpoint: members[i].ID, Inflight: uint16(dice.IntN(6)),
		Key: uint64(dice.IntN(1000)), Flags: lb.Keyed, Attempt: 1,
	}
	members[i].Live.Observe(lb.Observation{End: end, Latency: took, Inflight: int(r.Inflight)})
	m.ring.Append(&r)
}
