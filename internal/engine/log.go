package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// Log keeps the journal on disk: a line of JSON for every entry, and once more
// when its outcome is known. What is full is rotated: decisions.jsonl is the
// one that is written, decisions.jsonl.1 the one before it, and so on.
type Log struct {
	path    string
	most    int64   // bytes of one file
	past    []Entry // what was read at the start
	lines   chan []byte
	dropped atomic.Uint64
	told    func(error)
	file    *os.File
	size    int64
	failing bool
}

const (
	logName    = "decisions.jsonl"
	logBytes   = 8 << 20
	logFiles   = 4       // with the one that is written
	logLine    = 1 << 20 // longest line that is read
	logWaiting = 256     // lines that may wait for the disk
)

// OpenLog opens the journal in a folder and reads what is there. Lines that
// cannot be read are left where they are and told of; told is also called for
// every failure of the disk that begins, and with nil when it is over. Run
// writes.
func OpenLog(folder string, told func(error)) (*Log, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	l := &Log{path: filepath.Join(folder, logName), most: logBytes, lines: make(chan []byte, logWaiting), told: told}
	for n := logFiles - 1; n >= 0; n-- {
		if err := l.read(l.name(n)); err != nil {
			told(err)
		}
	}
	return l, nil
}

func (l *Log) name(n int) string {
	if n == 0 {
		return l.path
	}
	return fmt.Sprintf("%s.%d", l.path, n)
}

// read adds the entries of a file. The error says what could not be read, and
// how much could.
func (l *Log) read(path string) error {
	f, err := os.Open(path) //nolint:gosec // in the operator's folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 64<<10), logLine)
	good, bad, first := 0, 0, error(nil)
	for n := 1; s.Scan(); n++ {
		var e Entry
		err := json.Unmarshal(s.Bytes(), &e)
		if err == nil && e.ID == 0 {
			err = errors.New("it has no id")
		}
		if err != nil {
			if bad++; bad == 1 {
				first = fmt.Errorf("line %d: %w", n, err)
			}
			continue
		}
		good++
		l.remember(e)
	}
	if err := s.Err(); err != nil {
		bad++
		first = errors.Join(first, err)
	}
	if bad > 0 {
		return fmt.Errorf("%s: %d lines cannot be read and are left out (%w); %d were read", path, bad, first, good)
	}
	return nil
}

// remember keeps the last entries only: older ones would be forgotten at once.
func (l *Log) remember(e Entry) {
	l.past = append(l.past, e)
	if len(l.past) >= 4*mostEntries {
		l.past = append([]Entry(nil), l.past[len(l.past)-2*mostEntries:]...)
	}
}

// add hands a line to Run. The disk is not waited for: a line for which there
// is no room is lost, and told of.
func (l *Log) add(e *Entry) {
	line, err := json.Marshal(e)
	if err != nil {
		l.dropped.Add(1) // a number that JSON does not know
		return
	}
	select {
	case l.lines <- append(line, '\n'):
	default:
		l.dropped.Add(1)
	}
}

// Run writes until ctx is done, and then what still waits.
func (l *Log) Run(ctx context.Context) {
	defer func() {
		if l.file != nil {
			_ = l.file.Close()
		}
	}()
	for {
		select {
		case line := <-l.lines:
			l.noted(l.write(line))
		case <-ctx.Done():
			for {
				select {
				case line := <-l.lines:
					l.noted(l.write(line))
				default:
					return
				}
			}
		}
	}
}

// noted tells of a failure once when it begins and once when it is over.
func (l *Log) noted(err error) {
	if n := l.dropped.Swap(0); n > 0 && err == nil {
		err = fmt.Errorf("%s: %d entries could not be kept", l.path, n)
	}
	if (err != nil) != l.failing {
		l.told(err)
	}
	l.failing = err != nil
}

func (l *Log) write(line []byte) error {
	if l.file != nil && l.size+int64(len(line)) > l.most {
		err := l.file.Close()
		l.file = nil
		if err = errors.Join(err, l.rotate()); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	if err != nil { // the next line must not continue half of this one
		_ = l.file.Close()
		l.file = nil
	}
	return err
}

func (l *Log) rotate() error {
	for n := logFiles - 1; n > 0; n-- {
		if err := os.Rename(l.name(n-1), l.name(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// open goes on where the file ends, behind a line that was cut if need be.
func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o640) //nolint:gosec // the group may read it
	if err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	last := []byte{'\n'}
	if err == nil && end > 0 {
		_, err = f.ReadAt(last, end-1)
	}
	if err == nil && !bytes.Equal(last, []byte{'\n'}) {
		var n int
		n, err = f.WriteString("\n")
		end += int64(n)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, end
	return nil
}
