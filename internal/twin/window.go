package twin

import (
	"math"
	"slices"
	"time"

	"poise/internal/lb"
	"poise/internal/stats"
)

// attempt is a record with what the fit adds to it.
type attempt struct {
	*lb.Record
	station int32 // -1: an endpoint that is no more
	place   int32 // among the attempts of its station that tell the time of service; -1: it tells nothing
	arrival bool
	aged    bool // still under way, and for long
	until   time.Duration
	from    time.Duration // since the start of the window
}

// window sorts the records by when they were sent and adds what is still under
// way and older than nearly everything: it will never be found among the
// finished ones while it hangs.
func (m *Model) window() []attempt {
	at := make(map[uint32]int32, len(m.in.Endpoints))
	for i, e := range m.in.Endpoints {
		at[e.ID] = int32(i)
		m.stations[i].init(e.Endpoint)
	}
	m.elder = elder(m.in.Records)
	records := m.in.Records
	aged := len(records)
	if !m.in.Options.Ablate.NoPending {
		records = slices.Clip(records)
		for _, p := range m.in.Pending {
			if p.Age > m.elder && len(m.in.Records) > 0 {
				records = append(records, lb.Record{
					Sent: m.in.Now.Add(-p.Age), Took: p.Age, Latency: p.Age, Endpoint: p.Endpoint, Attempt: 1,
				})
			}
		}
	}
	// Of those sent just now only the quick ones have ended: they are left out,
	// as those are of which the slow ones alone ended after the window began.
	last := m.in.Now
	if m.in.From != 0 {
		last = m.in.Now.Add(-min(m.elder, m.in.Now.Sub(m.in.From)/5))
	}
	w := make([]attempt, 0, len(records))
	for _, i := range bySent(records) {
		r := &records[i]
		a := attempt{Record: r, station: -1, place: -1, aged: int(i) >= aged}
		if s, ok := at[r.Endpoint]; ok {
			a.station = s
		}
		a.arrival = (r.Arrival() || m.in.Options.Ablate.RetriesCount) && r.Sent >= m.in.From && (r.Sent <= last || a.aged)
		w = append(w, a)
	}
	m.cut(&w)
	return w
}

// bySent returns the places of the records in the order they were sent, of
// those sent at once as they stand, and without those of a clock that jumped.
// It sorts by one digit after the other, the lowest first: a window is of
// seconds, which are few digits.
func bySent(records []lb.Record) []int32 {
	type item struct {
		at    uint64
		place int32
	}
	all := make([]item, 0, 2*len(records))
	first, last := stats.Instant(math.MaxInt64), stats.Instant(0)
	for i := range records {
		if r := &records[i]; r.Took >= 0 && r.Latency >= 0 && r.Sent > 0 {
			all = append(all, item{uint64(r.Sent), int32(i)})
			first, last = min(first, r.Sent), max(last, r.Sent)
		}
	}
	n := len(all)
	from, to := all, all[n:2*n]
	const digit = 11 // bits
	for shift := 0; n > 0 && uint64(last-first)>>shift != 0; shift += digit {
		var starts [1 << digit]int32
		for i := range from {
			starts[(from[i].at-uint64(first))>>shift&(1<<digit-1)]++
		}
		sum := int32(0)
		for d, c := range starts {
			starts[d], sum = sum, sum+c
		}
		for i := range from {
			d := (from[i].at - uint64(first)) >> shift & (1<<digit - 1)
			to[starts[d]] = from[i]
			starts[d]++
		}
		from, to = to, from
	}
	places := make([]int32, n)
	for i := range from {
		places[i] = from[i].place
	}
	return places
}

// longest is how far before the others a record may have been sent: one that
// took minutes must not stretch the window to minutes.
const longest = 30 * time.Second

// cut drops the few that were sent long before the rest and counts time from
// the first that stays.
func (m *Model) cut(w *[]attempt) {
	if len(*w) == 0 {
		return
	}
	middle := (*w)[len(*w)/2].Sent
	for len(*w) > 0 && middle.Sub((*w)[0].Sent) > longest {
		*w = (*w)[1:]
	}
	m.start = (*w)[0].Sent
	for i := range *w {
		a := &(*w)[i]
		a.from = a.Sent.Sub(m.start)
		a.until = a.from + a.Took
		if a.Latency > 0 && a.Latency < a.Took {
			a.until = a.from + a.Latency
		}
	}
	m.span = max((*w)[len(*w)-1].from, time.Millisecond)
	m.begin, m.end = m.arrivals(*w)
}

// arrivals returns when the first and the last of the requests came that count
// as such.
func (m *Model) arrivals(w []attempt) (begin, end time.Duration) {
	begin = -1
	for i := range w {
		if !w[i].arrival || w[i].aged {
			continue
		}
		if begin < 0 {
			begin = w[i].from
		}
		end = w[i].from
	}
	begin = max(begin, 0)
	return begin, max(end, begin+time.Millisecond)
}

// elder returns the latency that 1 % of the answers exceed.
func elder(records []lb.Record) time.Duration {
	all := make([]time.Duration, 0, len(records))
	for i := range records {
		if r := &records[i]; r.Outcome == lb.Success && r.Flags&lb.Streaming == 0 {
			all = append(all, r.Latency)
		}
	}
	if len(all) == 0 {
		return time.Second
	}
	return stats.Select(all, len(all)*99/100)
}

// tells reports whether the attempt says how long its endpoint works on a
// request. One that timed out where it had to wait says nothing.
func (a *attempt) tells() bool {
	return a.station >= 0 && a.Outcome == lb.Success && a.Flags&lb.Streaming == 0 && a.Latency > 0
}

// fails reports whether the attempt is a failure of its endpoint. A timeout
// of one that had to wait is the queue's.
func (a *attempt) fails(slots int) bool {
	return a.Outcome.Failed() && (a.Outcome != lb.Timeout || int(a.Inflight) < slots)
}

// listJobs makes the requests that came in into jobs.
func (m *Model) listJobs(w []attempt) {
	m.jobs = make([]job, 0, len(w))
	m.measured = make([]outcome, 0, len(w))
	numbers := map[uint64]int32{}
	for i := range w {
		a := &w[i]
		switch {
		case a.arrival:
			j := m.job(a, i, numbers)
			o := outcome{latency: a.Latency, failed: a.Outcome.Failed()}
			if a.Outcome == lb.Canceled {
				o.latency = a.Took
			}
			m.jobs, m.measured = append(m.jobs, j), append(m.measured, o)
		case a.Sent < m.in.From && a.station >= 0 && a.until >= m.begin:
			j := m.job(a, i, numbers)
			j.fixed, j.silent = a.station, true
			m.backlog = append(m.backlog, j)
		}
	}
	m.keys = len(numbers)
}

// job makes the attempt w[i] into a job.
func (m *Model) job(a *attempt, i int, numbers map[uint64]int32) job {
	j := job{at: a.from, after: max(a.from+a.Took-a.until, 0), size: m.scratch.sizes[i], keyed: -1, fixed: -1}
	j.stream = a.Flags&lb.Streaming != 0
	if a.Flags&lb.Keyed != 0 {
		n, known := numbers[a.Key]
		if !known {
			n = int32(len(numbers))
			numbers[a.Key] = n
		}
		j.key, j.keyed = a.Key, n
	}
	if a.Flags&(lb.Sticky|lb.Trial) != 0 {
		j.fixed = a.station
	}
	j.silent = j.stream || a.Outcome == lb.Pressure || a.Outcome == lb.Canceled && a.Took <= m.elder ||
		a.Flags&lb.Canary != 0
	return j
}
