package top

import (
	"fmt"
	"net/url"
	"slices"

	"poise/internal/admin"
	"poise/internal/lb"
)

// press takes a key in.
func (m *Model) press(key string) Ask {
	m.notice = notice{}
	switch key {
	case "ctrl+c":
		return Ask{Quit: true}
	case "ctrl+z":
		return Ask{Suspend: true}
	}
	switch m.screen {
	case confirming:
		return m.confirm(key)
	case helping:
		m.screen = watching
		return Ask{}
	case choosingPolicy, choosingCluster:
		m.menu(key)
		return Ask{}
	}
	if key == "q" {
		return Ask{Quit: true}
	}
	if m.move(key) {
		return Ask{}
	}
	return m.command(key)
}

// move is for keys that change what is seen and nothing else.
func (m *Model) move(key string) bool {
	switch key {
	case "up", "k":
		m.step(-1)
	case "down", "j":
		m.step(1)
	case "home", "g":
		m.step(-1 << 30)
	case "end", "G":
		m.step(1 << 30)
	case "left", "<":
		m.sortBeside(-1)
	case "right", ">":
		m.sortBeside(1)
	case "r":
		m.order.down = !m.order.down
	case "tab":
		m.besides(1)
	case "shift+tab":
		m.besides(-1)
	case "h":
		m.all, m.scroll = !m.all, 0
	case "pgdown", "space", " ":
		m.scroll = min(m.scroll+5, max(0, len(m.visible())-1))
	case "pgup", "b":
		m.scroll = max(0, m.scroll-5)
	case "?":
		m.screen = helping
	case "c":
		m.open(choosingCluster)
	case "p":
		m.open(choosingPolicy)
	default:
		return false
	}
	return true
}

// step moves the cursor over so many endpoints.
func (m *Model) step(by int) {
	c := m.shown()
	if c == nil || len(c.Endpoints) == 0 {
		return
	}
	rows := m.sorted(c)
	at := slices.IndexFunc(rows, func(e *admin.Endpoint) bool { return e.Address == m.endpoint })
	m.endpoint = rows[min(max(at+by, 0), len(rows)-1)].Address
}

// sortBeside sorts by the next column: numbers the greatest first, since that
// is what is looked for.
func (m *Model) sortBeside(by int) {
	at := slices.IndexFunc(columns, func(k column) bool { return k.name == m.order.column })
	at = (at + by + len(columns)) % len(columns)
	m.order = order{columns[at].name, at > 0}
}

// besides shows the next cluster.
func (m *Model) besides(by int) {
	n := len(m.status.Clusters)
	at := slices.IndexFunc(m.status.Clusters, func(c admin.Cluster) bool { return c.Name == m.cluster })
	if at >= 0 {
		m.show(m.status.Clusters[(at+by+n)%n].Name)
	}
}

func (m *Model) show(cluster string) {
	if cluster != m.cluster {
		m.cluster, m.endpoint, m.scroll = cluster, "", 0
		m.settle()
	}
}

// open opens a menu with the cursor on what is in force.
func (m *Model) open(s screen) {
	c := m.shown()
	if c == nil {
		return
	}
	m.screen = s
	if s == choosingPolicy {
		m.choice = slices.Index(policies(), held(c))
		return
	}
	m.choice = slices.IndexFunc(m.status.Clusters, func(o admin.Cluster) bool { return o.Name == c.Name })
}

// policies are what a cluster can be told.
func policies() []string { return append([]string{lb.Adaptive}, lb.Policies...) }

// held is what a cluster was told, by the file or by an operator.
func held(c *admin.Cluster) string {
	if c.Engine.Adaptive {
		return lb.Adaptive
	}
	return c.Policy
}

// menu takes a key in while a menu is open.
func (m *Model) menu(key string) {
	items := len(policies())
	if m.screen == choosingCluster {
		items = len(m.status.Clusters)
	}
	m.choice = min(m.choice, items-1) // clusters may have left
	switch key {
	case "up", "k", "shift+tab":
		m.choice = (max(m.choice, 0) - 1 + items) % items
	case "down", "j", "tab":
		m.choice = (m.choice + 1) % items
	case "enter", "space", " ":
		s := m.screen
		m.screen = watching
		switch {
		case m.choice < 0:
		case s == choosingCluster:
			m.show(m.status.Clusters[m.choice].Name)
		default:
			m.pin(policies()[m.choice])
		}
	case "q", "esc", "p", "c":
		m.screen = watching
	}
}

// command is for keys that steer.
func (m *Model) command(key string) Ask {
	c := m.shown()
	if c == nil {
		return Ask{}
	}
	switch key {
	case "u":
		m.unpin(c)
	case "d":
		m.tell(c, "drain")
	case "x":
		m.tell(c, "disable")
	case "e":
		m.tell(c, "enable")
	case "f":
		return m.engine(c, "freeze")
	case "v":
		return m.engine(c, "advise")
	case "a":
		return m.engine(c, "auto")
	}
	return Ask{}
}

// question asks before something is done that moves requests.
func (m *Model) question(ask string, then *Call) {
	if m.lost != nil {
		m.say(true, "not connected: nothing can be changed now")
		return
	}
	m.screen, m.ask, m.pending = confirming, ask, then
}

// confirm takes the answer to a question in: only y is a yes.
func (m *Model) confirm(key string) Ask {
	then := m.pending
	m.screen, m.ask, m.pending = watching, "", nil
	switch {
	case key != "y" && key != "Y":
		m.say(false, "nothing was changed")
	case m.lost != nil:
		m.say(true, "not connected: nothing was changed")
	default:
		return Ask{Call: then}
	}
	return Ask{}
}

func (m *Model) pin(policy string) {
	c := m.shown()
	if c == nil {
		return
	}
	if policy == lb.Adaptive {
		m.unpin(c)
		return
	}
	if c.Policy == policy && c.Pinned {
		m.say(false, c.Name+" is pinned to "+policy+" already")
		return
	}
	ask := fmt.Sprintf("Pin %s to %s? All its requests (%s/s) go by it at once, until it is unpinned.", c.Name, policy, number(rateOf(c)))
	if c.Engine.Challenger != "" {
		ask += " The trial of " + c.Engine.Challenger + " ends."
	}
	m.question(ask, &Call{
		Method: "PUT", Path: clusterPath(c.Name) + "/policy", Body: map[string]string{"policy": policy},
		Cluster: c.Name, Did: c.Name + " is pinned to " + policy,
	})
}

// unpin hands a cluster to the engine, as `poise policy CLUSTER adaptive`.
func (m *Model) unpin(c *admin.Cluster) {
	if c.Engine.Adaptive {
		m.say(false, c.Name+" is not pinned: the engine chooses")
		return
	}
	ask := fmt.Sprintf("Hand %s to the engine? It goes on from %s and chooses from then on", c.Name, c.Policy)
	if c.Configured != lb.Adaptive {
		ask += ", though the file says " + c.Configured
	}
	m.question(ask+".", &Call{
		Method: "PUT", Path: clusterPath(c.Name) + "/policy", Body: map[string]string{"policy": lb.Adaptive},
		Cluster: c.Name, Did: c.Name + " is the engine's",
	})
}

// tell gives the operator's word on the endpoint that the cursor is on.
func (m *Model) tell(c *admin.Cluster, word string) {
	e := m.chosen()
	if e == nil {
		return
	}
	is := map[string]string{"disable": "disabled", "drain": "drain"}[word]
	byOperator := e.State == "drain" || e.State == "disabled"
	if e.State == is || word == "enable" && !byOperator {
		m.say(false, fmt.Sprintf("%s is %s already", e.Address, map[string]string{"enable": "enabled", "drain": "drained", "disable": "disabled"}[word]))
		return
	}
	m.question(consequence(c, e, word), &Call{
		Method: "PUT", Path: clusterPath(c.Name) + "/endpoints/" + url.PathEscape(e.Address) + "/state",
		Body: map[string]string{"state": word}, Cluster: c.Name, Did: fmt.Sprintf("%s %s: %s", c.Name, e.Address, word),
	})
}

// consequence asks about a word on an endpoint, and says what it does.
func consequence(c *admin.Cluster, e *admin.Endpoint, word string) string {
	if word == "enable" {
		return fmt.Sprintf("Enable %s? It takes requests again.", e.Address)
	}
	left := 0
	for i := range c.Endpoints {
		if c.Endpoints[i].Eligible && c.Endpoints[i].Address != e.Address {
			left++
		}
	}
	verb := map[string]string{"drain": "Drain", "disable": "Disable"}[word]
	switch {
	case left == 0:
		return fmt.Sprintf("%s %s? NO ENDPOINT IS LEFT THEN: requests would be answered 503.", verb, e.Address)
	case !e.Eligible:
		return fmt.Sprintf("%s %s? It takes no requests now; the word keeps it so.", verb, e.Address)
	case left == 1:
		return fmt.Sprintf("%s %s? Its %s/s go to the one that is left; %d under way may finish.", verb, e.Address, number(e.Rate), e.Inflight)
	}
	return fmt.Sprintf("%s %s? Its %s/s go to the %d others; %d under way may finish.", verb, e.Address, number(e.Rate), left, e.Inflight)
}

// engine says what the engine may do at a cluster. It is asked about where
// that can move requests: auto may do so at any time, and the others end a
// trial.
func (m *Model) engine(c *admin.Cluster, mode string) Ask {
	if c.Engine.Mode == mode && c.Engine.Fault == "" {
		m.say(false, "the engine of "+c.Name+" is at "+mode+" already")
		return Ask{}
	}
	then := &Call{
		Method: "PUT", Path: clusterPath(c.Name) + "/engine", Body: map[string]string{"mode": mode},
		Cluster: c.Name, Did: "the engine of " + c.Name + " is at " + mode,
	}
	switch {
	case mode == "auto":
		m.question("Let the engine switch the policy of "+c.Name+" by itself?", then)
		return Ask{}
	case c.Engine.Challenger != "":
		m.question(fmt.Sprintf("Set the engine of %s to %s? The trial of %s on %.0f %% of the requests ends.", c.Name, mode, c.Engine.Challenger, 100*c.Engine.Share), then)
		return Ask{}
	}
	if m.lost != nil {
		m.say(true, "not connected: nothing can be changed now")
		return Ask{}
	}
	return Ask{Call: then}
}

func rateOf(c *admin.Cluster) (all float64) {
	for i := range c.Endpoints {
		all += c.Endpoints[i].Rate
	}
	return all
}
