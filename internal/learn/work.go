package learn

import (
	"math"
	"time"
)

// capacities are the numbers of slots that are told apart.
var capacities = [...]float64{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128}

const (
	exactLoads = 32 // (inflight+1) up to here has a bin of its own
	perOctave  = 8
	loadBins   = 73 // up to about 1000; more counts as that
)

// Tables by capacity and bin.
var (
	binLoad [loadBins]float64 // inflight+1 that stands for a bin
	logLoad [len(capacities)][loadBins]float64
	invLoad [len(capacities)][loadBins]float64 // exp(-logLoad)
)

func init() {
	for i := range binLoad {
		binLoad[i] = float64(i + 1)
		if i >= exactLoads {
			binLoad[i] = exactLoads * math.Exp2((float64(i-exactLoads)+0.5)/perOctave)
		}
	}
	for j, c := range capacities {
		for i, load := range binLoad {
			logLoad[j][i] = math.Log(max(1, load/c))
			invLoad[j][i] = 1 / max(1, load/c)
		}
	}
}

func loadBin(inflight int) int {
	load := max(inflight, 0) + 1
	if load <= exactLoads {
		return load - 1
	}
	return min(exactLoads+int(perOctave*math.Log2(float64(load)/exactLoads)), loadBins-1)
}

// work is how many requests an endpoint works on at once, and the recent
// latencies that tell: absolute ones, by what was in flight. Latencies that
// were divided by a speed that moves would not do: the speed would absorb the
// effect of the load, and any capacity fit.
type work struct {
	capacity   int               // index into capacities; -1 while there was no answer
	identified bool              // the endpoint itself has shown it, once
	n, y, yy   [loadBins]float64 // answers, their latencies in seconds, the squares
}

const (
	workTau      = 10 * time.Second
	leastAnswers = 50 // that a capacity is judged by
	// evidence is what twice the log likelihood must gain before a capacity is
	// given up: in overload only speed/capacity shows, and any is as good.
	evidence = 20
)

// logLoad is the log of how much longer a request takes that meets as many as
// a bin stands for, and invLoad one over it.
func (w *work) logLoad(bin int) float64 { return logLoad[max(w.capacity, 0)][bin] }

func (w *work) invLoad(bin int) float64 { return invLoad[max(w.capacity, 0)][bin] }

func (w *work) observe(bin int, latency float64) {
	w.n[bin]++
	w.y[bin] += latency
	w.yy[bin] += latency * latency
}

func (w *work) clear() {
	w.n, w.y, w.yy = [loadBins]float64{}, [loadBins]float64{}, [loadBins]float64{}
}

func (w *work) fade(age time.Duration) {
	d := decay(age, workTau)
	for i := range w.n {
		if w.n[i] != 0 {
			w.n[i] *= d
			w.y[i] *= d
			w.yy[i] *= d
		}
	}
}

// likelihood is how badly each capacity explains the latencies of an endpoint:
// the gamma quasi-deviance of latency/load around its mean, per answer. The
// gamma family fits since what varies grows with the mean; being about means
// it is not misled by queues, in which latencies vary less.
type likelihood struct {
	n    float64
	q    [len(capacities)]float64
	best int
	phi  float64 // dispersion at the best
	most float64 // load that was seen
	mean float64 // in flight that an answer's request met
}

func (w *work) likelihood() (l likelihood) {
	last := 0
	for i, n := range w.n {
		l.n += n
		l.mean += n * (binLoad[i] - 1)
		if n > 0.5 {
			last = i
		}
	}
	l.mean /= max(l.n, 1)
	if l.n < leastAnswers {
		return l
	}
	for j := range capacities {
		var y, log float64
		for i := 0; i <= last; i++ {
			y += w.y[i] * invLoad[j][i]
			log += w.n[i] * logLoad[j][i]
		}
		l.q[j] = math.Log(y/l.n) + log/l.n
		if l.q[j] < l.q[l.best]-1e-9 {
			l.best = j
		}
	}
	var y, yy float64
	for i := 0; i <= last; i++ {
		g := invLoad[l.best][i]
		y += w.y[i] * g
		yy += w.yy[i] * g * g
	}
	y /= l.n
	l.phi = max(0.1, yy/l.n/(y*y)-1)
	l.most = binLoad[last]
	return l
}

// against is how much better the best capacity is than j, as twice a log
// likelihood.
func (l *likelihood) against(j int) float64 { return 2 * l.n * (l.q[j] - l.q[l.best]) / l.phi }

// fitCapacities judges the capacity of every endpoint, and of the cluster as a
// whole: what nobody can show alone all can together.
func (l *Learner) fitCapacities() {
	var pool [len(capacities)]float64
	fits := l.groups.likelihoods(len(l.members))
	seen := false
	var answers, inflight float64
	for i, m := range l.members {
		fits[i] = m.work.likelihood()
		of := fits[i].n * float64(max(m.every, 1)) // of all answers, not of those learnt from
		answers += of
		inflight += of * fits[i].mean
		if f := &fits[i]; f.n >= leastAnswers {
			seen = true
			for j := range pool {
				pool[j] += f.against(j)
			}
		}
	}
	if answers > 0 {
		l.load = inflight / answers
	}
	if !seen {
		return
	}
	best := l.fleet
	for j := range pool {
		if pool[j] < pool[best]-1e-9 {
			best = j
		}
	}
	if pool[l.fleet]-pool[best] > evidence { // where only one load was seen, any capacity fits
		l.fleet = best
	}
	l.shown = l.shown || pool[len(pool)-1]-pool[best] > evidence
	for i, m := range l.members {
		l.judgeCapacity(m, &fits[i])
	}
}

// judgeCapacity keeps the capacity of an endpoint unless the evidence against
// it is strong. A best one that was never exceeded is only a lower bound.
func (l *Learner) judgeCapacity(m *endpoint, f *likelihood) {
	base := l.fleet
	if m.work.identified {
		base = m.work.capacity
	}
	if f.n >= leastAnswers && f.against(base) > evidence {
		switch bounded := capacities[f.best] < f.most; {
		case bounded:
			m.setCapacity(f.best)
			m.work.identified = true
			return
		case f.best > base:
			m.setCapacity(f.best)
			return
		}
	}
	if !m.work.identified {
		m.setCapacity(base)
	}
}

// setCapacity changes the capacity and rebases the speed, which is measured
// against it.
func (e *endpoint) setCapacity(c int) {
	was := e.work.capacity
	e.work.capacity = c
	if was < 0 || was == c || !e.speed.known() {
		return
	}
	var n, d float64
	for i, answers := range e.work.n {
		n += answers
		d += answers * (logLoad[was][i] - logLoad[c][i])
	}
	if n > 0 {
		e.speed.rebase(d / n)
	}
}
