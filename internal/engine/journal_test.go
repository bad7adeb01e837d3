package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"poise/internal/decide"
)

func entry(cluster, action string) decide.Decision {
	return decide.Decision{Cluster: cluster, Action: action, Text: action + " of " + cluster}
}

func TestTheJournalForgetsHoldsFirst(t *testing.T) {
	j := NewJournal(nil, nil)
	for i := range 3 * mostEntries {
		action := decide.Hold
		if i%10 == 0 {
			action = decide.Switch
		}
		j.Add(entry("web", action), time.Unix(int64(i), 0))
	}
	all := j.Entries(Query{})
	switches := 0
	for i := range all {
		if all[i].Action == decide.Switch {
			switches++
		}
		if i > 0 && all[i].ID <= all[i-1].ID {
			t.Fatal("not in order")
		}
	}
	if len(all) != mostEntries || switches != 3*mostEntries/10 || j.holds != mostEntries-switches {
		t.Errorf("%d entries, %d switches, %d holds counted", len(all), switches, j.holds)
	}
}

func TestEntriesAreFoundByWhatIsAskedFor(t *testing.T) {
	j := NewJournal(nil, nil)
	for i := range 10 {
		j.Add(entry([]string{"web", "api"}[i%2], decide.Hold), time.Unix(int64(i), 0))
	}
	for _, tt := range []struct {
		q    Query
		want string
	}{
		{Query{}, "[1 2 3 4 5 6 7 8 9 10]"},
		{Query{Cluster: "api"}, "[2 4 6 8 10]"},
		{Query{Limit: 2}, "[9 10]"},
		{Query{Cluster: "web", Limit: 2}, "[7 9]"},
		{Query{After: 8}, "[9 10]"},
		{Query{Since: time.Unix(8, 0)}, "[9 10]"},
		{Query{Cluster: "none"}, "[]"},
	} {
		ids := []uint64{}
		for _, e := range j.Entries(tt.q) {
			ids = append(ids, e.ID)
		}
		if got := fmt.Sprint(ids); got != tt.want {
			t.Errorf("%+v: %s; want %s", tt.q, got, tt.want)
		}
	}
	if _, ok := j.Entry(11); ok {
		t.Error("found what is not there")
	}
	j.Conclude(99, decide.Outcome{}) // forgotten long ago
}

// onDisk opens a log, lets f use it, and closes it again.
func onDisk(t *testing.T, dir string, f func(j *Journal, l *Log)) (told []error) {
	t.Helper()
	var mu sync.Mutex
	l, err := OpenLog(dir, func(err error) { mu.Lock(); defer mu.Unlock(); told = append(told, err) })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	j := NewJournal(l, nil)
	wg.Go(func() { l.Run(ctx) })
	f(j, l)
	cancel()
	wg.Wait()
	return told
}

func TestTheJournalOutlivesARestart(t *testing.T) {
	dir := t.TempDir()
	told := onDisk(t, dir, func(j *Journal, _ *Log) {
		j.Add(entry("web", decide.Switch), time.Unix(1, 0))
		j.Add(entry("web", decide.Hold), time.Unix(2, 0))
		j.Conclude(1, decide.Outcome{Verdict: decide.Kept})
	})
	told = append(told, onDisk(t, dir, func(j *Journal, _ *Log) {
		if e := j.Add(entry("web", decide.Hold), time.Unix(3, 0)); e.ID != 3 {
			t.Errorf("the numbers go on with %d; want 3", e.ID)
		}
		if e, ok := j.Entry(1); !ok || e.Outcome == nil || e.Outcome.Verdict != decide.Kept || !e.Time.Equal(time.Unix(1, 0)) || e.Text != "switch of web" {
			t.Errorf("entry 1 came back as %+v", e)
		}
	})...)
	if len(told) > 0 {
		t.Errorf("told of %v", told)
	}
}

func TestWhatIsReadableOfACorruptJournalIsKeptAndSaid(t *testing.T) {
	dir := t.TempDir()
	onDisk(t, dir, func(j *Journal, _ *Log) {
		for i := range 3 {
			j.Add(entry("web", decide.Hold), time.Unix(int64(i), 0))
		}
	})
	path := filepath.Join(dir, logName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	text = bytes.Join([][]byte{lines[0], []byte("{}\n\x00\xff\n"), lines[1], lines[2][:20]}, nil) // a crash cut the last
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	told := onDisk(t, dir, func(j *Journal, _ *Log) {
		if n := len(j.Entries(Query{})); n != 2 {
			t.Errorf("%d entries; want the 2 that can be read", n)
		}
		j.Add(entry("web", decide.Switch), time.Unix(9, 0))
	})
	if len(told) != 1 || !strings.Contains(told[0].Error(), "3 lines cannot be read") || !strings.Contains(told[0].Error(), "line 2") || !strings.Contains(told[0].Error(), "2 were read") {
		t.Errorf("told %v", told)
	}
	onDisk(t, dir, func(j *Journal, _ *Log) {
		if all := j.Entries(Query{}); len(all) != 3 || all[2].Action != decide.Switch {
			t.Errorf("behind the line that was cut: %d entries", len(all))
		}
	})
}

func TestTheJournalIsRotated(t *testing.T) {
	dir := t.TempDir()
	onDisk(t, dir, func(j *Journal, l *Log) {
		l.most = 4 << 10
		for i := range 200 {
			j.Add(entry("web", decide.Hold), time.Unix(int64(i), 0))
			for len(l.lines) > logWaiting/2 {
				time.Sleep(time.Millisecond)
			}
		}
	})
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != logFiles {
		t.Errorf("files %q; want %d", files, logFiles)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() > 4<<10 {
			t.Errorf("%s: %v, %d bytes", f, err, info.Size())
		}
	}
	onDisk(t, dir, func(j *Journal, _ *Log) {
		all := j.Entries(Query{})
		if len(all) == 0 || all[len(all)-1].ID != 200 {
			t.Errorf("after a restart the last of %d entries is not 200", len(all))
		}
	})
}

func TestADiskThatFailsIsToldOfOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, logName), 0o700); err != nil { // a folder in its place
		t.Fatal(err)
	}
	told := onDisk(t, dir, func(j *Journal, _ *Log) {
		for i := range 5 {
			j.Add(entry("web", decide.Hold), time.Unix(int64(i), 0))
		}
		if len(j.Entries(Query{})) != 5 {
			t.Error("entries were lost in memory")
		}
	})
	if len(told) != 2 { // reading, and then writing
		t.Errorf("told %v", told)
	}
}
