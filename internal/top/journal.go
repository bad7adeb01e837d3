package top

import (
	"net/url"
	"slices"
	"time"

	"poise/internal/admin"
	"poise/internal/decide"
)

// entry is a line of the journal: a decision of the engine, or an action of
// the guard.
type entry struct {
	id      uint64
	at      time.Time
	guard   bool
	calm    bool // it changed nothing
	mark    string
	style   style
	text    string
	outcome string // "" until it is measured
	result  style  // of the outcome
}

// mostEntries is how many entries of a cluster are kept.
const mostEntries = 200

func decided(d *admin.Decision) entry {
	e := entry{id: d.ID, at: d.Time, text: d.Text, mark: "→", style: accent}
	switch d.Action {
	case decide.Hold:
		e.mark, e.style, e.calm = "·", dim, true
	case decide.Canary:
		e.mark = "◔"
	case decide.Abandon, decide.Undo:
		e.mark, e.style = "↶", warn
	case decide.Advised:
		e.mark = "?"
	}
	if d.Outcome != nil {
		e.outcome, e.result = d.Outcome.Text, plain
		switch d.Outcome.Verdict {
		case decide.Kept:
			e.result = good
		case decide.Worse:
			e.result = bad
		}
	}
	return e
}

func guarded(a *admin.Action) entry {
	e := entry{id: a.ID, at: a.At, guard: true, mark: "!", style: warn, text: a.Text}
	e.calm = a.Gate != "" && a.Action != "release" || slices.Contains([]string{"take-back", "trial-won", "serve", "limit"}, a.Action)
	if a.Endpoint != "" {
		e.text = a.Endpoint + ": " + e.text
	}
	switch {
	case e.calm:
		e.mark, e.style = "·", dim
	case a.Action == "readmit":
		e.style = good
	}
	return e
}

// same reports whether two entries are of one thing. Numbers begin anew with
// the process; times tell two processes apart, but are computed for each
// answer and differ a little.
func (e *entry) same(o *entry) bool {
	return e.id == o.id && e.guard == o.guard && e.at.Sub(o.at).Abs() < 100*time.Millisecond
}

// enter puts an entry into the journal of a cluster, the latest first. One
// that is there already takes the new one's place: its outcome has come.
func (m *Model) enter(cluster string, e entry) {
	all := m.entries[cluster]
	for i := range all {
		if all[i].same(&e) {
			e.at = all[i].at // a time that moves would make the order move
			all[i] = e
			return
		}
	}
	at := slices.IndexFunc(all, func(o entry) bool { return !o.at.After(e.at) })
	if at < 0 {
		at = len(all)
	}
	all = slices.Insert(all, at, e)
	m.entries[cluster] = all[:min(len(all), mostEntries)]
}

// visible are the entries that are shown: of those that changed nothing only
// the latest judgement, unless all are asked for.
func (m *Model) visible() (some []entry) {
	judged := false
	for _, e := range m.entries[m.cluster] {
		if m.all || !e.calm || !e.guard && !judged {
			some = append(some, e)
		}
		judged = judged || !e.guard
	}
	return some
}

// actionsOf is a call for what the guard of a cluster did since the last that
// is known.
func (m *Model) actionsOf(cluster string) *Call {
	path, all := clusterPath(cluster)+"/actions", m.entries[cluster]
	if last := slices.IndexFunc(all, func(e entry) bool { return e.guard }); last >= 0 {
		path += "?since=" + url.QueryEscape(all[last].at.UTC().Format(time.RFC3339Nano))
	}
	return &Call{Method: "GET", Path: path, Cluster: cluster, Actions: true}
}

func clusterPath(name string) string { return "/api/v1/clusters/" + url.PathEscape(name) }
