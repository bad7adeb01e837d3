package scenario

import "slices"

// attribute is one thing that a scenario says of endpoints: read takes what
// follows its name, and copies puts it from one Settings into another.
type attribute struct {
	name   string
	read   func(w *words) func(*Settings)
	copies func(to, from *Settings)
	fixed  bool // may not change while the scenario runs
}

var attributes = []attribute{
	{"slots", readSlots(false), func(t, f *Settings) { t.Slots, t.Sharing = f.Slots, f.Sharing }, false},
	{"cores", readSlots(true), func(t, f *Settings) { t.Slots, t.Sharing = f.Slots, f.Sharing }, false},
	{"service", readService, func(t, f *Settings) { t.Service, t.Distribution = f.Service, f.Distribution }, false},
	{"weight", readWeight, func(t, f *Settings) { t.Weight = f.Weight }, true},
	{"queue", readQueue, func(t, f *Settings) { t.Queue = f.Queue }, false},
	{"network", readNetwork, func(t, f *Settings) { t.Network = f.Network }, false},
	{"cache", readCache, func(t, f *Settings) { t.Cache = f.Cache }, false},
	{"slow", readSlow, func(t, f *Settings) { t.Slow, t.Fading = f.Slow, f.Fading }, false},
	{"fails", readFails, func(t, f *Settings) { t.Fails, t.FailsAfter = f.Fails, f.FailsAfter }, false},
	{"refuses", readRefuses, func(t, f *Settings) { t.Refuses = f.Refuses }, false},
	{"hangs", readHangs, func(t, f *Settings) { t.Hangs = f.Hangs }, false},
	{"stalls", readStalls, func(t, f *Settings) { t.Stall, t.StallEvery = f.Stall, f.StallEvery }, false},
	{"others", readOthers, func(t, f *Settings) { t.Others = f.Others }, false},
	{"reports", readReports, func(t, f *Settings) { t.Reports = f.Reports }, false},
}

func attributeNames() (names []string) {
	for _, a := range attributes {
		names = append(names, a.name)
	}
	return names
}

// attribute reads one attribute.
func (w *words) attribute() (a attribute, set func(*Settings)) {
	name := w.next("a setting of endpoints")
	if w.bad != nil {
		return a, nil
	}
	i := slices.IndexFunc(attributes, func(a attribute) bool { return a.name == name.text })
	if i < 0 {
		w.fail(name.col, oneOf(name.text, attributeNames()), "endpoints have no setting %q", name.text)
		return a, nil
	}
	return attributes[i], attributes[i].read(w)
}

func readSlots(sharing bool) func(w *words) func(*Settings) {
	return func(w *words) func(*Settings) {
		n := w.count("the number of slots", 1, 10_000)
		return func(s *Settings) { s.Slots, s.Sharing = n, sharing }
	}
}

func readService(w *words) func(*Settings) {
	d := w.duration("the service time", 1000)
	shape := Distribution("")
	if slices.Contains(Distributions, w.peek()) {
		shape = Distribution(w.next("").text)
	}
	return func(s *Settings) {
		s.Service = d
		if shape != "" {
			s.Distribution = shape
		}
	}
}

func readWeight(w *words) func(*Settings) {
	n := w.count("the weight", 1, 1000)
	return func(s *Settings) { s.Weight = n }
}

func readQueue(w *words) func(*Settings) {
	n := w.count("the length of the queue", 0, 100_000)
	return func(s *Settings) { s.Queue = n }
}

func readNetwork(w *words) func(*Settings) {
	d := w.duration("the time on the network", 0)
	return func(s *Settings) { s.Network = d }
}

func readCache(w *words) func(*Settings) {
	if w.accept("off") {
		return func(s *Settings) { s.Cache = Cache{} }
	}
	c := Cache{Keys: w.count("the keys that are remembered", 1, 1_000_000)}
	w.expect("hit")
	c.Hit = w.duration("the service time of a hit", 1000)
	w.expect("miss")
	at := w.col()
	c.Miss = w.duration("the service time of a miss", 1000)
	if c.Hit > c.Miss {
		w.fail(at, "swap the two", "a miss of %v would be faster than a hit of %v", c.Miss, c.Hit)
	}
	return func(s *Settings) { s.Cache = c }
}

func readSlow(w *words) func(*Settings) {
	v := w.number("how many times slower", "x", 0.01, 1000)
	d := Settings{Slow: v}
	if w.accept("fading") {
		d.Fading = w.duration("the time of fading", 1)
	}
	return func(s *Settings) { s.Slow, s.Fading = d.Slow, d.Fading }
}

func readFails(w *words) func(*Settings) {
	p := w.share("the share that fails")
	after := Defaults().FailsAfter
	if w.accept("after") {
		after = w.duration("the time of a failure", 0)
	}
	return func(s *Settings) { s.Fails, s.FailsAfter = p, after }
}

func readRefuses(w *words) func(*Settings) {
	p := w.share("the share that is refused")
	return func(s *Settings) { s.Refuses = p }
}

func readHangs(w *words) func(*Settings) {
	p := w.share("the share that hangs")
	return func(s *Settings) { s.Hangs = p }
}

func readStalls(w *words) func(*Settings) {
	if w.accept("off") {
		return func(s *Settings) { s.Stall, s.StallEvery = 0, 0 }
	}
	d := w.duration("the length of a stall", 1)
	w.expect("every")
	at := w.col()
	every := w.duration("the time between stalls", 1)
	if d >= every {
		w.fail(at, "", "an endpoint that stalls for %v each %v would never work", d, every)
	}
	return func(s *Settings) { s.Stall, s.StallEvery = d, every }
}

func readOthers(w *words) func(*Settings) {
	v := w.rate("the rate of requests from elsewhere")
	return func(s *Settings) { s.Others = v }
}

func readReports(*words) func(*Settings) {
	return func(s *Settings) { s.Reports = true }
}
