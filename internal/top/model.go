// Package top is the live view of a running Poise, as `poise top` shows it in
// a terminal: messages go in, a frame and what is to be asked of the API come
// out. It does no I/O; package watch does.
package top

import (
	"slices"
	"time"

	"poise/internal/admin"
)

// What a Model is told.
type (
	// Size is that of the terminal, in cells.
	Size struct{ Width, Height int }
	// Key is a key that was pressed, by its name, as in "q", "up", "ctrl+c".
	Key string
	// Light says whether the ground of the terminal is light.
	Light bool
	// Tick says what time it is here. It comes once a second.
	Tick time.Time
	// State is what the API shows of all clusters.
	State admin.Status
	// Journal are decisions of the engine. Known ones may be among them: an
	// outcome comes so.
	Journal []admin.Decision
	// Lost says that the connection to the API broke off.
	Lost struct {
		Since, Again time.Time // by the clock of Tick
		Why          string
	}
	// Answer is what came of a Call.
	Answer struct {
		Call    Call
		Cluster *admin.Cluster // nil where the call gives none
		Actions []admin.Action
		Err     error
	}
)

// Ask is what a Model wants to be done. The zero value asks for nothing.
type Ask struct {
	Quit, Suspend bool
	Call          *Call // nil for none; its Answer is expected
}

// Call is a call of the API.
type Call struct {
	Method, Path string
	Body         map[string]string // nil for none
	Cluster      string            // that it is about
	Actions      bool              // it asks what the guard did; otherwise it steers and answers the cluster
	Did          string            // what to say when it went well
}

// Options are what does not change while it runs.
type Options struct {
	From    string         // the address of the API, for the title
	Cluster string         // to show first; "" for the first one
	Zone    *time.Location // of the times that are shown; nil means UTC
	Colour  bool           // the terminal has colours and its user wants them
}

// Model is the whole state of the view.
type Model struct {
	options Options
	size    Size
	light   bool
	now     time.Time // here

	status  admin.Status // what was last heard
	heard   bool         // status holds something
	lost    *Lost        // nil while connected
	trends  map[string]*trend
	entries map[string][]entry // of each cluster, the latest first

	cluster  string // the name of the one that is shown
	endpoint string // the address that the cursor is on
	order    order
	all      bool // entries that changed nothing are shown as well
	scroll   int  // entries left out at the top

	screen  screen
	choice  int    // the line of a menu that the cursor is on
	pending *Call  // what a yes would do
	ask     string // the question
	notice  notice
	asking  bool // a call for the guard's actions is under way
}

// screen is what stands below the heading.
type screen uint8

const (
	watching screen = iota
	helping
	choosingPolicy
	choosingCluster
	confirming
)

// notice is a line that stays for a while.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// noticed is how long a notice stays.
const noticed = 8 * time.Second

// New returns a Model that has heard nothing yet.
func New(o Options) *Model {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Model{
		options: o, size: Size{80, 24}, cluster: o.Cluster, order: order{column: "endpoint"},
		trends: map[string]*trend{}, entries: map[string][]entry{},
	}
}

// Update takes a message in and returns what is to be done. Messages of other
// types change nothing.
func (m *Model) Update(message any) Ask {
	switch v := message.(type) {
	case Size:
		if v.Width > 0 && v.Height > 0 { // some consoles do not know
			m.size = v
		}
	case Light:
		m.light = bool(v)
	case Tick:
		m.now = time.Time(v)
	case Key:
		return m.press(string(v))
	case State:
		return m.hear(admin.Status(v))
	case Journal:
		for i := range v {
			m.enter(v[i].Cluster, decided(&v[i]))
		}
	case Lost:
		if m.lost != nil {
			v.Since = m.lost.Since
		}
		m.lost = &v
	case Answer:
		m.answered(&v)
	}
	return Ask{}
}

// hear takes a state in. What the guard of the shown cluster did is not part
// of it and is asked for.
func (m *Model) hear(v admin.Status) Ask {
	if !m.heard || v.Now.After(m.status.Now) {
		m.draw(&v)
	}
	m.status, m.heard, m.lost = v, true, nil
	m.settle()
	c := m.shown()
	if c == nil || m.asking {
		return Ask{}
	}
	m.asking = true
	return Ask{Call: m.actionsOf(c.Name)}
}

// settle keeps the cursor on something that exists.
func (m *Model) settle() {
	c := m.shown()
	if c == nil {
		m.cluster, m.endpoint = "", ""
		if len(m.status.Clusters) > 0 {
			m.cluster = m.status.Clusters[0].Name
			c = m.shown()
		}
	}
	if c != nil && m.chosen() == nil {
		m.endpoint = ""
		if rows := m.sorted(c); len(rows) > 0 {
			m.endpoint = rows[0].Address
		}
	}
}

// shown is the cluster that is shown, nil when there is none.
func (m *Model) shown() *admin.Cluster {
	for i := range m.status.Clusters {
		if m.status.Clusters[i].Name == m.cluster {
			return &m.status.Clusters[i]
		}
	}
	return nil
}

// chosen is the endpoint that the cursor is on, nil when there is none.
func (m *Model) chosen() *admin.Endpoint {
	c := m.shown()
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.Endpoints, func(e admin.Endpoint) bool { return e.Address == m.endpoint })
	if i < 0 {
		return nil
	}
	return &c.Endpoints[i]
}

func (m *Model) answered(a *Answer) {
	if a.Call.Actions {
		m.asking = false
		for i := range a.Actions { // an error is that of a connection that breaks off
			m.enter(a.Actions[i].Cluster, guarded(&a.Actions[i]))
		}
		return
	}
	if a.Err != nil {
		m.say(true, "not done: "+a.Err.Error())
		return
	}
	m.say(false, a.Call.Did)
	for i := range m.status.Clusters {
		if a.Cluster != nil && m.status.Clusters[i].Name == a.Cluster.Name {
			m.status.Clusters[i] = *a.Cluster
		}
	}
	m.settle()
}

func (m *Model) say(bad bool, text string) {
	m.notice = notice{text: text, bad: bad, until: m.now.Add(noticed)}
}
