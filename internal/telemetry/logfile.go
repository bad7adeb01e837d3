package telemetry

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// lookEvery is how often a file is looked for under its name, at most. A
// rotation that sends no signal is noticed that late.
const lookEvery = time.Second

// LogFile is a file that lines are appended to. It follows its name: when the
// file there is another one, because the old one was moved away, lines go into
// the new one. One goroutine writes; Reopen may be called by any.
type LogFile struct {
	path string
	now  func() time.Time
	file *os.File // the writer's
	seen time.Time

	mu     sync.Mutex
	next   *os.File // opened, to be taken by the next write
	closed bool
}

// OpenLogFile opens a file to append to, and makes it when it is not there.
func OpenLogFile(path string, now func() time.Time) (*LogFile, error) {
	file, err := openToAppend(path)
	if err != nil {
		return nil, err
	}
	return &LogFile{path: path, now: now, file: file, seen: now()}, nil
}

func openToAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("the access log cannot be opened: %w", err)
	}
	return f, nil
}

// Reopen opens the file by its name anew, at once, for the next write. When
// that fails the old one is kept. It never waits for a write.
func (f *LogFile) Reopen() error {
	file, err := openToAppend(f.path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return file.Close()
	}
	if f.next != nil {
		_ = f.next.Close()
	}
	f.next = file
	return nil
}

// Write implements io.Writer.
func (f *LogFile) Write(p []byte) (int, error) {
	if now := f.now(); now.Sub(f.seen) >= lookEvery {
		f.seen = now
		if f.moved() {
			_ = f.Reopen() // else the old file takes the lines, wherever it is now
		}
	}
	f.mu.Lock()
	next := f.next
	f.next = nil
	f.mu.Unlock()
	if next != nil {
		_ = f.file.Close()
		f.file = next
	}
	return f.file.Write(p)
}

// moved reports whether the file of this name is not the one that is written.
func (f *LogFile) moved() bool {
	mine, err := f.file.Stat()
	if err != nil {
		return true
	}
	there, err := os.Stat(f.path)
	return err != nil || !os.SameFile(mine, there)
}

// Close closes the file. It must not be written any more.
func (f *LogFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.next != nil {
		_ = f.next.Close()
		f.next = nil
	}
	return f.file.Close()
}
