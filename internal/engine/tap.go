package engine

import "fmt"

// tap is somebody who listens to what a judge is given.
type tap struct {
	wrap  func(Judge) Judge
	plain Judge // as it was before; nil while nobody listens yet
	over  bool
}

// Tap puts what wrap returns between the engine and the judge of a cluster,
// from its next tick on and until untap is called. wrap is called, and its
// judge used, by the engine's goroutine. One may listen to a cluster at a time.
func (e *Engine) Tap(cluster string, wrap func(Judge) Judge) (untap func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.taps[cluster] != nil {
		return nil, fmt.Errorf("the engine is being recorded at %s already; one recording at a time", cluster)
	}
	t := &tap{wrap: wrap}
	e.taps[cluster] = t
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		t.over = true
	}, nil
}

// listen lets whoever wants to listen to a subject's judge do so, or takes it
// away when it is over.
func (e *Engine) listen(s *subject) {
	e.mu.Lock()
	name := s.Cluster.Name()
	t := e.taps[name]
	over := t != nil && t.over
	if over {
		delete(e.taps, name)
	}
	e.mu.Unlock()
	switch {
	case over && t.plain != nil && s.minds.Judge != nil && s.tapped == t:
		s.minds.Judge, s.tapped = t.plain, nil
	case t != nil && !over && t.plain == nil && s.minds.Judge != nil:
		t.plain = s.minds.Judge
		var wrapped Judge
		if failure, stack := try(func() { wrapped = t.wrap(t.plain) }); failure != "" {
			e.judgeFailed(s, failure, stack)
			return
		}
		s.minds.Judge, s.tapped = wrapped, t
	}
}
