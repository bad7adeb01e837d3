// Package worker is the test endpoint: it works for a known time, and is slow,
// failing or hanging on demand, several at once, so that every policy can be
// compared under every condition.
package worker

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Settings are how the worker behaves. They can be changed while it runs.
type Settings struct {
	Delay        Duration `json:"delay"`          // mean service time of /work
	Distribution string   `json:"distribution"`   // constant, exponential or heavy
	Slowness     Factor   `json:"slowness"`       // every service time is multiplied by it, also that of X-Work-Us
	Slots        int      `json:"slots"`          // requests served at once, the rest wait in order; 0 means no limit
	Distance     Duration `json:"distance"`       // added to every answer of /work outside of the slots, as a long way would
	Errors       Share    `json:"errors"`         // answered 503 after 1 ms
	Health       string   `json:"health"`         // ok, fail or hang
	Hang         Share    `json:"hang"`           // never answered
	Reset        Share    `json:"reset"`          // connection reset before an answer
	CrashMidBody Share    `json:"crash_mid_body"` // cut in the middle of the answer
	Cache        int      `json:"cache"`          // keys of X-Key that are remembered, which cost a tenth; 0 means none
	Body         int      `json:"body"`           // bytes of /work's answer
	Chunked      bool     `json:"chunked"`        // the answer's length is not announced
	Report       string   `json:"report"`         // field of an answer that says how many requests are here; "" for none
}

// Duration is a time.Duration that JSON writes as in 10ms.
type Duration time.Duration

// Factor is a number above 0 and at most 1000. A worker of 4 is four times
// slower than one of 1.
type Factor float64

// Share is a share from 0 to 1 that JSON writes as a number and reads also as
// in 10%.
type Share float64

// Defaults are the settings of a worker that was told nothing.
func Defaults() Settings {
	return Settings{Delay: Duration(10 * time.Millisecond), Distribution: "constant", Slowness: 1, Health: "ok", Body: 16}
}

// UnmarshalJSON reads a text as in 10ms.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf(`must be a text as in "10ms"`)
	}
	return d.Set(text)
}

// MarshalJSON writes a text as in 10ms.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// Set makes Duration a flag.
func (d *Duration) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 || v > time.Hour {
		return fmt.Errorf("%q is no duration from 0 to 1h, as in 10ms", text)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// Type names the flag's type.
func (d *Duration) Type() string { return "duration" }

// UnmarshalJSON reads a number.
func (f *Factor) UnmarshalJSON(b []byte) error { return f.Set(strings.Trim(string(b), `"`)) }

// Set makes Factor a flag.
func (f *Factor) Set(text string) error {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v > 0 && v <= 1000) {
		return fmt.Errorf("%q is no factor above 0 and up to 1000, as in 4 or 0.5", text)
	}
	*f = Factor(v)
	return nil
}

func (f Factor) String() string { return strconv.FormatFloat(float64(f), 'g', 6, 64) }

// Type names the flag's type.
func (f *Factor) Type() string { return "factor" }

// UnmarshalJSON reads a number from 0 to 1 or a text as in 10%.
func (s *Share) UnmarshalJSON(b []byte) error { return s.Set(strings.Trim(string(b), `"`)) }

// Set makes Share a flag.
func (s *Share) Set(text string) error {
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return fmt.Errorf("%q is no share from 0 to 100%%, as in 10%% or 0.1", text)
	}
	*s = Share(v)
	return nil
}

func (s Share) String() string { return strconv.FormatFloat(100*float64(s), 'g', 6, 64) + "%" }

// Type names the flag's type.
func (s *Share) Type() string { return "share" }

// Validate says what is wrong, naming the setting.
func (s *Settings) Validate() error {
	switch s.Distribution {
	case "constant", "exponential", "heavy":
	default:
		return fmt.Errorf("distribution: %q is none of constant, exponential, heavy", s.Distribution)
	}
	switch s.Health {
	case "ok", "fail", "hang":
	default:
		return fmt.Errorf("health: %q is none of ok, fail, hang", s.Health)
	}
	if strings.Trim(s.Report, nameBytes) != "" || len(s.Report) > mostName {
		return fmt.Errorf("report: %q is no name of a field, as in X-Inflight", s.Report)
	}
	for _, n := range []struct {
		name        string
		value, most int
	}{{"slots", s.Slots, 100_000}, {"cache", s.Cache, 1_000_000}, {"body", s.Body, 64 << 20}} {
		if n.value < 0 || n.value > n.most {
			return fmt.Errorf("%s: must be from 0 to %d", n.name, n.most)
		}
	}
	// Each request has one fate, so the shares cut one whole into parts.
	const rounding = 1e-9
	if all := s.Errors + s.Hang + s.Reset + s.CrashMidBody; all > 1+rounding {
		return fmt.Errorf("errors, hang, reset and crash_mid_body add up to %v; a request has one fate, so at most 100%%", all)
	}
	return nil
}

// A field's name is a token (RFC 9110, section 5.6.2).
const (
	nameBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
	mostName  = 100
)

// changed returns the settings with the members of a JSON object in their
// place, or an error and nothing changed.
func (s Settings) changed(body io.Reader) (Settings, error) {
	var members map[string]json.RawMessage
	d := json.NewDecoder(io.LimitReader(body, 64<<10))
	if err := d.Decode(&members); err != nil {
		return s, fmt.Errorf("the body must be a JSON object, as in {\"delay\": \"200ms\"}: %w", err)
	}
	fields := map[string]any{
		"delay": &s.Delay, "distribution": &s.Distribution, "slowness": &s.Slowness, "slots": &s.Slots, "distance": &s.Distance, "errors": &s.Errors, "health": &s.Health,
		"hang": &s.Hang, "reset": &s.Reset, "crash_mid_body": &s.CrashMidBody, "cache": &s.Cache, "body": &s.Body,
		"chunked": &s.Chunked, "report": &s.Report,
	}
	for name, value := range members {
		field, ok := fields[name]
		if !ok {
			return s, fmt.Errorf("%s: there is no such setting", name)
		}
		if err := json.Unmarshal(value, field); err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, s.Validate()
}
