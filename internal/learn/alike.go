package learn

// Alike makes what is known of one endpoint known of another one, which goes
// its own way from then on. Endpoints that are no members are passed over.
func (l *Learner) Alike(id, like uint32) {
	e, other := l.byID[id], l.byID[like]
	if e == nil || other == nil || e == other {
		return
	}
	to := e.to
	*e = *other
	e.to, e.waits = to, nil
	e.to.Live.SetServed(e.served)
	l.due = true
}
