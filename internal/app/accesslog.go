package app

import (
	"context"
	"io"
	"os"
	"time"

	"poise/internal/config"
	"poise/internal/telemetry"
)

// lastLines is how long the process waits for the last lines of the access
// log to be taken when it stops: nobody may be reading them.
const lastLines = 2 * time.Second

// openAccessLog opens where the access log goes, when there is one.
func (a *App) openAccessLog(o *config.AccessLog) error {
	if o == nil {
		return nil
	}
	log, err := telemetry.NewAccessLog(o.Format, time.Now)
	if err != nil {
		return err
	}
	log.OnChange = a.accessLogFault
	switch o.Path {
	case "stdout":
		a.accessTo = kept{a.options.Stdout}
	case "stderr":
		a.accessTo = kept{os.Stderr}
	default:
		if a.accessTo, err = telemetry.OpenLogFile(o.Path, time.Now); err != nil {
			return err
		}
	}
	a.access = log
	a.proxy.SetAccessLog(log)
	return nil
}

// kept is a writer that is not ours to close.
type kept struct{ io.Writer }

func (kept) Close() error { return nil }

// runAccessLog writes the access log until ctx is done.
func (a *App) runAccessLog(ctx context.Context) {
	if a.access == nil {
		return
	}
	done := make(chan struct{})
	go func() { // not waited for when a reader of stdout holds it up for ever
		defer close(done)
		_ = a.access.Run(a.accessTo, ctx.Done())
		_ = a.accessTo.Close()
	}()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(lastLines):
		a.log.Error("nobody takes the last lines of the access log; they are lost")
	}
}

// accessLogFault is told when the access log cannot be written, and when it
// can be again.
func (a *App) accessLogFault(err error) {
	if err != nil {
		a.faults.set("access_log", "the access log cannot be written ("+err.Error()+"); its lines are lost meanwhile")
		a.log.Error("the access log cannot be written; requests are served, their lines are lost", "error", err)
		return
	}
	a.faults.set("access_log", "")
	a.log.Info("the access log is written again", "lost_lines", a.access.Dropped.Load())
}

// reopenOn opens the access log anew on SIGUSR1, which is what log rotation
// sends, until ctx is done.
func (a *App) reopenOn(ctx context.Context, rotated <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-rotated:
			a.reopenAccessLog()
		}
	}
}

func (a *App) reopenAccessLog() {
	file, ok := a.accessTo.(*telemetry.LogFile)
	if !ok {
		a.log.Info("SIGUSR1: there is no access log in a file to open anew")
		return
	}
	if err := file.Reopen(); err != nil {
		a.log.Error("SIGUSR1: the old file is kept", "error", err)
		return
	}
	a.log.Info("the access log was opened anew")
}
