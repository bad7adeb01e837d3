package telemetry

import (
	"strconv"
	"time"
	"unicode/utf8"

	"poise/internal/lb"
	"poise/internal/record"
)

// appendJSON is the default format: one object a line, names that do not
// change, seconds and bytes.
func appendJSON(b []byte, at time.Time, r *record.Request) []byte {
	b = append(b, `{"time":"`...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","remote":`...)
	b = appendQuoted(b, r.Remote)
	b = jsonField(b, "method", r.Method)
	b = jsonField(b, "host", r.Host)
	b = jsonField(b, "path", r.Path)
	b = append(b, `,"proto":"`...)
	b = append(b, r.Proto...)
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	if r.Error != "" {
		b = jsonField(b, "error", []byte(r.Error))
	}
	if r.Detail != "" {
		b = jsonField(b, "detail", []byte(r.Detail))
	}
	b = append(b, `,"duration":`...)
	b = appendSeconds(b, r.Duration)
	b = append(b, `,"latency":`...)
	b = appendSeconds(b, r.Latency)
	b = append(b, `,"overhead":`...)
	b = appendSeconds(b, r.Overhead)
	b = append(b, `,"request_bytes":`...)
	b = strconv.AppendInt(b, r.RequestBytes, 10)
	b = append(b, `,"response_bytes":`...)
	b = strconv.AppendInt(b, r.ResponseBytes, 10)
	b = jsonField(b, "listener", []byte(r.Listener))
	b = jsonField(b, "route", []byte(r.Route))
	b = jsonField(b, "cluster", []byte(r.Cluster))
	b = jsonField(b, "endpoint", []byte(r.Endpoint))
	b = append(b, `,"attempts":`...)
	b = strconv.AppendInt(b, int64(r.Attempts), 10)
	if r.Flags != 0 {
		b = append(appendFlags(append(b, `,"flags":"`...), r.Flags), '"')
	}
	if r.Queued > 0 {
		b = appendSeconds(append(b, `,"queued":`...), r.Queued)
	}
	b = jsonField(b, "id", r.ID)
	return append(b, "}\n"...)
}

// flagNames are the words for what attempts were, by bit.
var flagNames = [...]string{"retry", "hedge", "trial", "sticky", "streaming"}

// appendFlags lists flags, with commas between them.
func appendFlags(b []byte, flags lb.Flags) []byte {
	first := true
	for i, name := range flagNames {
		if flags&(1<<i) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		b, first = append(b, name...), false
	}
	return b
}

func jsonField(b []byte, name string, value []byte) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendQuoted(b, value)
}

// appendCombined is the format that Apache made common. Octets that could end
// a string or a line are written \xhh, as Apache and nginx do.
func appendCombined(b []byte, at time.Time, r *record.Request) []byte {
	b = append(b, r.Remote...)
	b = append(b, " - - ["...)
	b = at.AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] "`...)
	if len(r.Method) == 0 { // what came was no request
		b = append(b, '-')
	} else {
		b = append(appendEscaped(b, r.Method), ' ')
		b = append(appendEscaped(b, r.Path), ' ')
		b = append(b, r.Proto...)
	}
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, r.ResponseBytes, 10)
	b = appendOrDash(append(b, ` "`...), r.Referer)
	b = appendOrDash(append(b, `" "`...), r.UserAgent)
	return append(b, "\"\n"...)
}

func appendOrDash(b, value []byte) []byte {
	if len(value) == 0 {
		return append(b, '-')
	}
	return appendEscaped(b, value)
}

func appendEscaped(b, value []byte) []byte {
	for _, c := range value {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c >= 0x7f:
			b = append(b, '\\', 'x', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

func appendLogfmt(b []byte, at time.Time, r *record.Request) []byte {
	b = append(b, "time="...)
	b = at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	for _, f := range [...]struct {
		name  string
		value []byte
	}{
		{"remote", r.Remote},
		{"method", r.Method},
		{"host", r.Host},
		{"path", r.Path},
		{"route", []byte(r.Route)},
		{"cluster", []byte(r.Cluster)},
		{"endpoint", []byte(r.Endpoint)},
		{"error", []byte(r.Error)},
		{"detail", []byte(r.Detail)},
		{"id", r.ID},
	} {
		if len(f.value) == 0 {
			continue
		}
		b = append(append(append(b, ' '), f.name...), '=')
		b = appendQuoted(b, f.value)
	}
	b = append(b, " status="...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, " duration="...)
	b = appendSeconds(b, r.Duration)
	b = append(b, " latency="...)
	b = appendSeconds(b, r.Latency)
	b = append(b, " attempts="...)
	b = strconv.AppendInt(b, int64(r.Attempts), 10)
	if r.Flags != 0 {
		b = appendFlags(append(b, " flags="...), r.Flags)
	}
	b = append(b, " response_bytes="...)
	b = strconv.AppendInt(b, r.ResponseBytes, 10)
	return append(b, '\n')
}

// appendSeconds appends a duration in seconds, to the microsecond.
func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, max(d, 0).Seconds(), 'f', 6, 64)
}

const hex = "0123456789abcdef"

// appendQuoted appends a JSON string. What clients send may hold any byte:
// nothing in it can end the string or the line, or steer a terminal.
func appendQuoted(b, value []byte) []byte {
	b = append(b, '"')
	for i := 0; i < len(value); {
		c := value[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c < 0x20 || c == 0x7f:
				b = appendUnicode(b, rune(c))
			default:
				b = append(b, c)
			}
			continue
		}
		r, n := utf8.DecodeRune(value[i:])
		if breaks(r) || r == utf8.RuneError && n == 1 {
			b = appendUnicode(b, r)
		} else {
			b = append(b, value[i:i+n]...)
		}
		i += n
	}
	return append(b, '"')
}

// breaks reports whether a rune beyond ASCII is a control character, or ends a
// line for those who go by Unicode.
func breaks(r rune) bool { return r < 0xa0 || r == 0x2028 || r == 0x2029 }

func appendUnicode(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
