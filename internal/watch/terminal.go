package watch

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"poise/internal/admin"
	"poise/internal/top"
)

// Terminal shows the live view until its user quits or ctx is done. The first
// state is asked for before anything is drawn, so that an address on which
// nobody answers is an error and not a screen.
func Terminal(ctx context.Context, api API, o top.Options, in io.Reader, out io.Writer) error {
	return terminal(ctx, api, o, tea.WithInput(in), tea.WithOutput(out))
}

func terminal(ctx context.Context, api API, o top.Options, settings ...tea.ProgramOption) error {
	var first admin.Status
	if err := api.Call(ctx, "GET", "/api/v1/clusters", nil, &first); err != nil {
		return err
	}
	if o.Cluster != "" && !slices.ContainsFunc(first.Clusters, func(c admin.Cluster) bool { return c.Name == o.Cluster }) {
		return noCluster(o.Cluster)
	}
	ctx, cancel := context.WithCancel(ctx)
	model := top.New(o)
	model.Update(top.Tick(time.Now()))
	ask := model.Update(top.State(first))
	s := &shell{ctx: ctx, api: api, model: model, first: ask}
	// Signals are main's: they end ctx, and thereby the program.
	p := tea.NewProgram(s, append(settings, tea.WithContext(ctx), tea.WithoutSignalHandler())...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f := feed{api: api, send: func(m any) { p.Send(m) }}
		f.run(ctx)
	}()
	_, err := p.Run()
	cancel()
	<-done
	if errors.Is(err, tea.ErrProgramKilled) && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// shell is the model as bubbletea wants it: it turns what the terminal says
// into messages, and what the model asks for into calls.
type shell struct {
	ctx   context.Context // ends with the program
	api   API
	model *top.Model
	first top.Ask
}

type tick time.Time

func ticks() tea.Cmd {
	return tea.Tick(time.Second, func(t time.Time) tea.Msg { return tick(t) })
}

func (s *shell) Init() tea.Cmd {
	return tea.Batch(ticks(), tea.RequestBackgroundColor, s.do(s.first))
}

func (s *shell) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch v := message.(type) {
	case tea.WindowSizeMsg:
		return s, s.do(s.model.Update(top.Size{Width: v.Width, Height: v.Height}))
	case tea.BackgroundColorMsg:
		return s, s.do(s.model.Update(top.Light(!v.IsDark())))
	case tea.KeyPressMsg:
		return s, s.do(s.model.Update(top.Key(v.String())))
	case tick:
		return s, tea.Batch(ticks(), s.do(s.model.Update(top.Tick(v))))
	}
	return s, s.do(s.model.Update(message))
}

func (s *shell) View() tea.View {
	v := tea.NewView(s.model.Frame())
	v.AltScreen = true
	v.WindowTitle = "poise top"
	return v
}

// do turns what the model asks for into a command.
func (s *shell) do(a top.Ask) tea.Cmd {
	switch {
	case a.Quit:
		return tea.Quit
	case a.Suspend:
		return tea.Suspend
	case a.Call == nil:
		return nil
	}
	return func() tea.Msg { return answer(s.ctx, s.api, a.Call) }
}

// answer makes a call of the model.
func answer(ctx context.Context, api API, c *top.Call) top.Answer {
	a := top.Answer{Call: *c}
	if c.Actions {
		var v struct {
			Actions []admin.Action `json:"actions"`
		}
		a.Err = api.Call(ctx, c.Method, c.Path, nil, &v)
		a.Actions = v.Actions
		return a
	}
	var v admin.Cluster
	if a.Err = api.Call(ctx, c.Method, c.Path, c.Body, &v); a.Err == nil {
		a.Cluster = &v
	}
	return a
}
