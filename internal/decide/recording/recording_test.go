package recording_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"poise/internal/decide"
	"poise/internal/decide/recording"
	"poise/internal/twin/twintest"
)

// record lets a judge judge a world in which endpoints differ, and records it
// from its 15th second on.
func record(t *testing.T, seconds int) []byte {
	t.Helper()
	servers := twintest.Fleet(6, twintest.Server{Slots: 4, Mean: 20 * time.Millisecond})
	for i, s := range servers {
		s.Mean *= time.Duration(1 + 3*(i%2))
	}
	w := twintest.New(3, servers...)
	w.Rate, w.Policy = 450, "least-request"
	w.Keys, w.Skew = 500, 0.8
	j := decide.New(decide.Options{Evaluate: 5 * time.Second, Dwell: 20 * time.Second})
	j.Resume(w.Policy)
	var file bytes.Buffer
	var rec *recording.Writer
	do := func(a decide.Action) {
		if w.Trial, w.Share = a.Policy, a.Share; a.Share >= 1 {
			w.Policy, w.Trial = a.Policy, ""
		}
	}
	for second := 1; second <= seconds; second++ {
		w.Run(time.Second)
		batch := w.Drain()
		j.Observe(batch)
		v := &decide.View{Now: w.Now, Cluster: "web", Policy: w.Policy, Pending: w.Pending(), Cursor: w.Cursor.At(), Learner: w.Learner, Affinity: w.Affinity}
		for _, e := range w.Endpoints {
			v.Endpoints = append(v.Endpoints, decide.EndpointView{Endpoint: e, Eligible: true})
		}
		if rec != nil {
			rec.Records(batch)
			rec.Stepped(v)
		}
		if s := j.Step(v); s.Changed {
			do(s.Action)
		}
		if second%5 == 0 {
			v.Policy = w.Policy
			snapshot := recording.Take(v)
			d := j.Evaluate(v)
			if rec != nil {
				rec.Evaluated(snapshot, d)
			}
			if d.Changed {
				do(d.Do)
			}
		}
		if second == 7 {
			var err error
			if rec, err = recording.NewWriter(&file, j); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rec.Err() != nil {
		t.Fatal(rec.Err())
	}
	return file.Bytes()
}

func TestRecordingReplaysBitForBit(t *testing.T) {
	r, err := recording.Read(bytes.NewReader(record(t, 60)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := r.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if n != 11 || n != r.Evaluations() {
		t.Errorf("%d decisions were made again; want 11", n)
	}
	changed := 0
	_ = r.Replay(nil, func(was, _ decide.Decision) {
		if was.Action == decide.Canary {
			changed++
		}
	})
	if changed == 0 {
		t.Error("the recording holds no change of policy; it tests too little")
	}
}

func TestRecordingWithOtherOptionsDecidesOtherwise(t *testing.T) {
	r, err := recording.Read(bytes.NewReader(record(t, 30)))
	if err != nil {
		t.Fatal(err)
	}
	differ := 0
	err = r.Replay(func(o *decide.Options) { o.Margin = 0.9 }, func(was, is decide.Decision) {
		if was.Text != is.Text {
			differ++
		}
	})
	if err != nil || differ == 0 {
		t.Errorf("%d decisions differ with a margin of 90 %%, %v; want some", differ, err)
	}
}

func TestDamagedRecordingIsReadUpToTheDamage(t *testing.T) {
	whole := record(t, 30)
	r, err := recording.Read(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	all := len(r.Records())
	for name, data := range map[string][]byte{
		"cut":     whole[:len(whole)*2/3],
		"flipped": flip(whole, len(whole)*2/3),
	} {
		r, err := recording.Read(bytes.NewReader(data))
		if !errors.Is(err, recording.ErrCorrupt) || !strings.Contains(err.Error(), "frame") {
			t.Errorf("%s: %v; want ErrCorrupt and the frame", name, err)
		}
		if r == nil || len(r.Records()) == 0 || len(r.Records()) >= all {
			t.Errorf("%s: want what comes before the damage", name)
			continue
		}
		if _, err := r.Verify(); err != nil {
			t.Errorf("%s: what was readable does not replay: %v", name, err)
		}
	}
	for _, bad := range []string{"", "poise-recording 2\n", "GET / HTTP/1.1\r\n\r\n........", string(whole[:20])} {
		if r, err := recording.Read(strings.NewReader(bad)); !errors.Is(err, recording.ErrCorrupt) || r != nil {
			t.Errorf("%.20q: %v; want ErrCorrupt and nothing", bad, err)
		}
	}
}

func flip(b []byte, at int) []byte {
	c := bytes.Clone(b)
	c[at] ^= 0x10
	return c
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("poise-recording 1\nb\x02{}\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := recording.Read(bytes.NewReader(data)); err == nil && r == nil {
			t.Error("neither a recording nor an error")
		}
	})
}
