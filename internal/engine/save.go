package engine

// saveAll keeps what is known at the end.
func (e *Engine) saveAll() {
	e.drainAll()
	for _, s := range e.all() {
		e.save(s)
	}
}

// save keeps what is known of a cluster. Where the engine has failed nothing is
// kept: it would fail again.
func (e *Engine) save(s *subject) {
	if s.minds.Save == nil || s.minds.Judge == nil || s.minds.Learner == nil {
		return
	}
	if failure, stack := try(s.minds.Save); failure != "" {
		e.judgeFailed(s, failure, stack)
	}
}
