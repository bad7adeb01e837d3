package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"poise/internal/lab/rig"
	"poise/internal/load"
	"poise/internal/scenario"
)

// check says what is wrong with what is to be measured before anything is:
// names that stand twice, scenarios that sockets cannot play, programs that
// are not there.
func (o *Options) check() (all error) {
	seen := map[string]bool{}
	for _, sc := range o.Scenarios {
		if seen[sc.Name] {
			all = errors.Join(all, fmt.Errorf("scenario %s is named twice", sc.Name))
		}
		seen[sc.Name] = true
		all = errors.Join(all, Fits(sc))
	}
	seen = map[string]bool{}
	for i := range o.Subjects {
		s := &o.Subjects[i]
		if seen[s.Name] {
			all = errors.Join(all, fmt.Errorf("%s is named twice", s.Name))
		}
		seen[s.Name] = true
		all = errors.Join(all, o.installed(s))
	}
	if o.WorkersAt != "" && o.Lanes > 1 {
		all = errors.Join(all, fmt.Errorf("the test workers at %s are those of one run; for several at once leave out --workers-at", o.WorkersAt))
	}
	if all != nil {
		return all
	}
	return o.descriptors()
}

func (o *Options) installed(s *Subject) error {
	if s.Address != "" {
		if o.WorkersAt == "" {
			return fmt.Errorf("%s runs already, so its endpoints must be known before: say with --workers-at where test workers shall listen, as in --workers-at 127.0.0.1:9101, and have it balance over that port and the next ones", s.Address)
		}
		return nil
	}
	if s.Program == poise {
		return nil
	}
	p, err := programOf(s.Program)
	if err != nil {
		return err
	}
	if _, err := exec.LookPath(p.name); err != nil {
		return fmt.Errorf("%s: %s is not installed; install it (%s) or leave it out", s.Name, p.name, p.install)
	}
	return nil
}

// The bounds of connections of the load.
const (
	leastOpen = 256
	mostOpen  = 4000
)

// connections that the load may have at once: as many as come while the
// slowest answer is waited for.
func connections(sc *scenario.Scenario) int {
	return int(max(leastOpen, min(mostOpen, busiest(sc)*sc.Timeout.Seconds())))
}

// descriptors says when a scenario needs more of them than a process may have.
func (o *Options) descriptors() (all error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	most := uint64(limit.Max) // some systems have it signed
	for _, sc := range o.Scenarios {
		const others = 200                  // listeners, files, checks
		each := max(2, rig.AtOnce(o.Lanes)) // a proxy has two a request, the load one for each run
		if need := uint64(each*connections(sc) + len(sc.Endpoints) + others); need > most {
			all = errors.Join(all, fmt.Errorf("%s may need %d descriptors in a process, and this shell gives %d; raise it with ulimit -n", sc.Name, need, most))
		}
	}
	return all
}

// The trial run before the first: as many requests a second as the scenarios
// ask for, up to a bound, for so long, of the shortest jobs. At a lower rate
// each would cost more, as it wakes everybody by itself.
const (
	trialMost = 1500
	trialTime = time.Second
)

// try starts a subject, sends it requests, and returns the CPU that one costs
// with load and endpoint. What it says when it does not start or does not
// reach the endpoints becomes the error.
func (r *Runner) try(ctx context.Context, of *Subject) (each time.Duration, err error) {
	sc := *r.options.Scenarios[0]
	sc.Endpoints = slices.Clone(sc.Endpoints)
	for i := range sc.Endpoints { // no slots are in the way
		e := &sc.Endpoints[i]
		e.Slow, e.Network, e.Fails = 1, 0, 0
	}
	s, err := r.open(ctx, of, &sc)
	defer s.close()
	if err != nil {
		return 0, fmt.Errorf("%s does not start: %s", of.Name, oneLine(err.Error()))
	}
	time.Sleep(settleTime)
	if err := s.reaches(ctx, of); err != nil {
		return 0, err
	}
	rate := 0.0
	for _, sc := range r.options.Scenarios {
		rate = max(rate, min(trialMost, busiest(sc)))
	}
	var plan []load.Job
	for i := range int(rate * trialTime.Seconds()) {
		plan = append(plan, load.Job{At: time.Duration(float64(i) / rate * float64(time.Second)), Work: time.Millisecond, Key: uint64(i%100 + 1)})
	}
	before := rig.UsedByAll()
	report, err := load.Run(ctx, load.Options{URL: "http://" + s.address + "/work", Plan: plan, Connections: leastOpen, Timeout: 5 * time.Second, AllowRemote: true})
	if err != nil {
		return 0, err
	}
	used := rig.UsedByAll() - before
	if report.Failures*20 > report.Requests {
		return 0, fmt.Errorf("%s: %d of %d requests failed before anything was wrong with an endpoint; its log says: %s", of.Name, report.Failures, report.Requests, oneLine(s.log()))
	}
	return used / time.Duration(max(1, report.Requests)), nil
}

// reaches sends one request and looks whether one of the workers answered.
func (s *stage) reaches(ctx context.Context, of *Subject) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+"/work", nil)
	if err != nil {
		return err
	}
	q.Header.Set("X-Work-Us", "1000")
	resp, err := controls.Do(q)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w; its log says: %s", of.Name, err, oneLine(s.log()))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Worker") == "" {
		return fmt.Errorf("%s answers %s, and no test worker did: it must pass requests on to %s and answer with their fields; its log says: %s", of.Name, resp.Status, strings.Join(s.workers, ", "), oneLine(s.log()))
	}
	return nil
}

func (s *stage) log() string {
	if s.proxy == nil || s.proxy.Log() == "" {
		return "nothing"
	}
	return s.proxy.Log()
}

// oneLine is a text of several lines as one, at most so long that it can be
// read.
func oneLine(text string) string {
	const most = 600
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " | ")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// affords says which scenarios ask for more than the machine can give through
// a subject that costs so much CPU a request.
func (r *Runner) affords(of *Subject, each time.Duration) (all error) {
	has := rig.MostBusy * float64(runtime.NumCPU())
	for _, sc := range r.options.Scenarios {
		if !of.suits(sc) {
			continue
		}
		if need := busiest(sc) * each.Seconds(); need > has {
			all = errors.Join(all, fmt.Errorf("%s asks for %.0f requests a second; with %s one costs %v of CPU, load and endpoints included, so that is %.1f cores of %d: at most %.0f a second can be measured here",
				sc.Name, busiest(sc), of.Name, each.Round(time.Microsecond), need, runtime.NumCPU(), has/each.Seconds()))
		}
	}
	return all
}

// crowded says that runs through a subject beside each other may make each other
// void, by what a request costs alone; beside others it is less. It says nothing
// when they will not.
func (r *Runner) crowded(of *Subject, each time.Duration) (text string) {
	o, worst := &r.options, rig.MostBusy*float64(runtime.NumCPU())
	for _, sc := range o.Scenarios {
		beside := int(float64(o.Lanes) / (lanesOf(sc) * float64(of.weight())))
		if need := float64(beside) * busiest(sc) * each.Seconds(); of.suits(sc) && beside > 1 && need > worst {
			worst = need
			text = fmt.Sprintf("; %d runs of %s at once may take %.1f cores of %d: those that are void are taken again alone", beside, sc.Name, need, runtime.NumCPU())
		}
	}
	return text
}

// Check tries every subject before the first run.
func (r *Runner) Check(ctx context.Context) (all error) {
	for i := range r.options.Subjects {
		of := &r.options.Subjects[i]
		if of.Program == poise && i > 0 && slices.ContainsFunc(r.options.Subjects[:i], func(s Subject) bool { return s.Program == poise }) {
			continue // the same binary as before
		}
		each, err := r.try(ctx, of)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err == nil {
			r.options.Say(fmt.Sprintf("%s: %v of CPU a request, load and endpoint included%s", of.Name, each.Round(time.Microsecond), r.crowded(of, each)))
			err = r.affords(of, each)
		}
		all = errors.Join(all, err)
	}
	return all
}
