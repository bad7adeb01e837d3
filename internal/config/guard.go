package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// guard checks what protects single requests.
func (v *validator) guard(path string, c *Cluster) {
	v.outliers(path, c)
	v.retry(path, c)
	if c.Hedge != nil {
		v.hedge(path, c)
	}
	v.limits(path+".limits", &c.Limits)
}

func (v *validator) outliers(path string, c *Cluster) {
	o, at := &c.Outliers, path+".outliers"
	v.positive(at+".base", int64(o.Base))
	if o.Max < o.Base {
		v.report(at+".max", "is shorter than outliers.base", "make it at least "+o.Base.String())
	}
	if o.MaxEjected == 0 && c.Panic == 0 {
		v.report(at+".max_ejected", "is 0 while panic is 0 as well: no ejection would ever be made, and with health checks that fail everywhere nothing is served",
			"write panic: 50%, or max_ejected: 50%")
	}
}

func (v *validator) retry(path string, c *Cluster) {
	r, at := &c.Retry, path+".retry"
	if t := c.Timeouts.Total; t > 0 && r.PerTryTimeout > t {
		v.report(at+".per_try_timeout", "is longer than timeouts.total", "make it "+Duration(t/2).String()+", so that two attempts fit")
	}
	if t := c.Timeouts.Head; t > 0 && r.PerTryTimeout > t && (c.Timeouts.Total <= 0 || r.PerTryTimeout <= c.Timeouts.Total) {
		v.report(at+".per_try_timeout", "is longer than timeouts.head, so it would never fire", "make it shorter than "+t.String())
	}
	if r.PerTryTimeout > 0 && r.MaxRetries == 0 && !v.said[at+".max_retries"] {
		v.report(at+".per_try_timeout", "is of no use while max_retries is 0", "write max_retries: 1, or use timeouts.head")
	}
}

func (v *validator) hedge(path string, c *Cluster) {
	at := path + ".hedge"
	if _, _, err := ParseHedge(c.Hedge.After); err != nil {
		v.report(at+".after", err.Error(), "write it as in p95 or 50ms")
	}
	switch {
	case c.Hedge.Budget == 0:
		v.report(at+".budget", "is 0, so nothing would be hedged", "leave hedge out, or write budget: 5%")
	case c.Hedge.Budget > c.Retry.Budget:
		v.report(at+".budget", "is more than retry.budget, which hedges count in", "make it at most "+c.Retry.Budget.String()+", or retry.budget larger")
	}
}

// ParseHedge reads when a hedge is sent: a quantile as in p95, in (0, 1), or a
// time.
func ParseHedge(text string) (quantile float64, after time.Duration, err error) {
	if digits, ok := strings.CutPrefix(text, "p"); ok {
		q, err := strconv.ParseFloat(digits, 64)
		if err != nil || !(q >= 50 && q < 100) {
			return 0, 0, fmt.Errorf("%q is no quantile from p50 to p99.99", text)
		}
		return q / 100, 0, nil
	}
	d, err := ParseDuration(text)
	if err != nil || d == 0 {
		return 0, 0, fmt.Errorf("%q is neither a quantile nor a time", text)
	}
	return 0, d.Std(), nil
}

// The words of limits.concurrency that are no number.
const (
	LimitOff     = "off"
	LimitObserve = "observe"
	LimitEnforce = "enforce"
)

func (v *validator) limits(path string, l *Limits) {
	switch l.Concurrency {
	case LimitOff, LimitObserve, LimitEnforce:
	default:
		if n, err := strconv.Atoi(l.Concurrency); err != nil {
			v.report(path+".concurrency", fmt.Sprintf("%q is no limit", l.Concurrency), oneOf(l.Concurrency, []string{LimitOff, LimitObserve, LimitEnforce, "a number"}))
		} else if n < 1 || n > 1_000_000 {
			v.report(path+".concurrency", "must be from 1 to 1000000", "for no limit write off")
		}
	}
	v.positive(path+".queue_timeout", int64(l.QueueTimeout))
	v.atMost(path+".queue", int64(l.Queue), 1_000_000, "1000000")
	if l.Queue > 0 && (l.Concurrency == LimitOff || l.Concurrency == LimitObserve) {
		v.report(path+".queue", "is of no use while concurrency is "+l.Concurrency+": nothing is ever held back", "write concurrency: enforce, or a number")
	}
}

// The bounds of a route's rate.
const (
	mostPerSecond = 100_000
	mostBurst     = 1_000_000
	mostRateKeys  = 1 << 22
)

func (v *validator) rate(path string, r *Rate) {
	if !validHashKey(r.Key) {
		v.report(path+".key", fmt.Sprintf("%q is no key", r.Key), "use ip, path, header:NAME, cookie:NAME or query:NAME")
	}
	if r.PerSecond <= 0 || r.PerSecond > mostPerSecond {
		v.report(path+".per_second", "must be more than 0 and at most 100000", "for no limit leave rate out")
	}
	v.atMost(path+".burst", int64(r.Burst), mostBurst, "1000000")
	v.positive(path+".keys", int64(r.Keys))
	v.atMost(path+".keys", int64(r.Keys), mostRateKeys, "4194304")
}
