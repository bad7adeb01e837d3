// Package recording keeps what a judge was given, so that all of its decisions
// can be made again, bit for bit: what it knew at the beginning, the records in
// the batches in which they came, and every view.
//
// A recording is a line that names the format, then frames: a kind, a length,
// that many bytes, and their CRC. One that is damaged is read up to there.
package recording

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"poise/internal/decide"
	"poise/internal/lb"
)

// header names the format and its version.
const header = "poise-recording 1\n"

// mostFrame bounds what a damaged length can ask for.
const mostFrame = 64 << 20

// The kinds of frames.
const (
	kindBegin    = 'b'
	kindRecords  = 'r'
	kindHeld     = 'h'
	kindEvaluate = 'e'
	kindStep     = 's'
	kindOperator = 'o'
	kindMode     = 'm'
)

// ErrCorrupt is what reading a damaged recording returns beside what could be
// read of it.
var ErrCorrupt = errors.New("the recording is damaged")

// begin is the first frame.
type begin struct {
	Options decide.Options  `json:"options"`
	State   json.RawMessage `json:"state"`
}

// operator is somebody's word.
type operator struct {
	Policy string `json:"policy"`
	Pinned bool   `json:"pinned"`
}

// evaluated is a view and what came of it.
type evaluated struct {
	View     view            `json:"view"`
	Decision decide.Decision `json:"decision"`
}

// Writer writes a recording. Its first error stays.
type Writer struct {
	w   io.Writer
	err error
	buf []byte
}

// NewWriter begins the recording of a judge as it is now.
func NewWriter(w io.Writer, j *decide.Judge) (*Writer, error) {
	r := &Writer{w: w}
	state, err := j.Save()
	if err != nil {
		return nil, fmt.Errorf("a recording cannot begin: %w", err)
	}
	_, r.err = io.WriteString(w, header)
	r.json(kindBegin, begin{j.Options(), state})
	r.records(kindHeld, j.Records())
	return r, r.err
}

// Records adds a batch, as it is given to Judge.Observe.
func (r *Writer) Records(batch []lb.Record) { r.records(kindRecords, batch) }

func (r *Writer) records(kind byte, batch []lb.Record) {
	if len(batch) == 0 {
		return
	}
	r.buf = r.buf[:0]
	for i := range batch {
		r.buf = appendRecord(r.buf, &batch[i])
	}
	r.frame(kind, r.buf)
}

// Evaluated adds an evaluation. It is called after Judge.Evaluate with a
// Snapshot taken before it.
func (r *Writer) Evaluated(s Snapshot, d decide.Decision) {
	r.json(kindEvaluate, evaluated{s.view, d})
}

// Stepped adds a step.
func (r *Writer) Stepped(v *decide.View) { r.json(kindStep, plain(v, false)) }

// Operator adds a call of Judge.Operator.
func (r *Writer) Operator(policy string, pinned bool) {
	r.json(kindOperator, operator{policy, pinned})
}

// Mode adds a call of Judge.SetMode.
func (r *Writer) Mode(m decide.Mode) { r.json(kindMode, m) }

// Err returns the first error.
func (r *Writer) Err() error { return r.err }

func (r *Writer) json(kind byte, v any) {
	data, err := json.Marshal(v)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("recording: %w", err)
		return
	}
	r.frame(kind, data)
}

func (r *Writer) frame(kind byte, data []byte) {
	if r.err != nil {
		return
	}
	out := binary.AppendUvarint([]byte{kind}, uint64(len(data)))
	out = append(out, data...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	if _, err := r.w.Write(out); err != nil {
		r.err = fmt.Errorf("recording: %w", err)
	}
}

// Recording is one that was read.
type Recording struct {
	Options decide.Options
	state   []byte
	events  []event
}

type event struct {
	kind    byte
	records []lb.Record
	data    []byte
}

// Evaluations returns how many evaluations it holds.
func (r *Recording) Evaluations() (n int) {
	for i := range r.events {
		if r.events[i].kind == kindEvaluate {
			n++
		}
	}
	return n
}

// Records returns all records, in the order in which they came.
func (r *Recording) Records() (all []lb.Record) {
	for i := range r.events {
		all = append(all, r.events[i].records...)
	}
	return all
}

// Read reads a recording. If it is damaged the error wraps ErrCorrupt and says
// where; what comes before can be used, unless the recording is nil.
func Read(from io.Reader) (*Recording, error) {
	in := bufio.NewReader(from)
	head := make([]byte, len(header))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != header {
		return nil, fmt.Errorf("%w: it does not begin with %q; is it a recording of this version?", ErrCorrupt, header[:len(header)-1])
	}
	var r *Recording
	for n := 1; ; n++ {
		kind, data, err := readFrame(in)
		if errors.Is(err, io.EOF) {
			if r == nil {
				return nil, fmt.Errorf("%w: it ends before it begins", ErrCorrupt)
			}
			return r, nil
		}
		if err == nil {
			r, err = r.add(kind, data)
		}
		if err != nil {
			return r, fmt.Errorf("%w at frame %d: %w", ErrCorrupt, n, err)
		}
	}
}

func (r *Recording) add(kind byte, data []byte) (*Recording, error) {
	if kind == kindBegin && r == nil {
		var b begin
		if err := json.Unmarshal(data, &b); err != nil {
			return nil, err
		}
		return &Recording{Options: b.Options, state: b.State}, nil
	}
	if r == nil {
		return nil, errors.New("it does not say how it begins")
	}
	e := event{kind: kind, data: data}
	switch kind {
	case kindRecords, kindHeld:
		if len(data)%recordSize != 0 {
			return r, errors.New("a batch of records has an odd length")
		}
		for ; len(data) > 0; data = data[recordSize:] {
			e.records = append(e.records, parseRecord(data))
		}
		e.data = nil
	case kindEvaluate, kindStep, kindOperator, kindMode:
	default:
		return r, fmt.Errorf("no frame is of kind %q", kind)
	}
	r.events = append(r.events, e)
	return r, nil
}

func readFrame(in *bufio.Reader) (kind byte, data []byte, err error) {
	if kind, err = in.ReadByte(); err != nil {
		return 0, nil, err
	}
	n, err := binary.ReadUvarint(in)
	if err != nil || n > mostFrame {
		return 0, nil, errors.New("the length of a frame is wrong")
	}
	data = make([]byte, n+4)
	if _, err := io.ReadFull(in, data); err != nil {
		return 0, nil, errors.New("it breaks off")
	}
	if crc32.ChecksumIEEE(data[:n]) != binary.LittleEndian.Uint32(data[n:]) {
		return 0, nil, errors.New("the check sum is wrong")
	}
	return kind, data[:n], nil
}
