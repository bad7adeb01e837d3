package top

import (
	"slices"
	"strings"
	"unicode"
)

// style is how a text looks. What a colour says, a word or a mark beside it
// says too.
type style uint8

const (
	plain style = iota
	strong
	dim
	title
	chosen
	good
	warn
	bad
	accent
)

// codes are the styles as terminals know them: on a dark or unknown ground,
// where the terminal's own colours are right, on a light one, where its yellow
// and green are too pale to read, and without colours.
var codes = map[style][3]string{
	strong: {"1", "1", "1"},
	dim:    {"2", "2", "2"},
	title:  {"1;7", "1;7", "1;7"},
	chosen: {"1", "1", "1"},
	good:   {"32", "38;5;28", ""},
	warn:   {"33", "38;5;130", ""},
	bad:    {"1;31", "1;38;5;160", "1"},
	accent: {"36", "38;5;25", ""},
}

// span is a text in one style.
type span struct {
	text  string
	style style
}

// row is a line of the frame.
type row []span

// cells is how many cells of a terminal a character takes.
func cells(r rune) int {
	switch {
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6,
		r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

func width(s string) (n int) {
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// clean takes out of a text what a terminal would obey: reasons are in the
// words of endpoints, who may send anything.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, s)
}

// clip cuts a text that has more than so many cells, and shows that it did.
func clip(s string, most int) string {
	if width(s) <= most {
		return s
	}
	if most <= 0 {
		return ""
	}
	n := 0
	for i, r := range s {
		if n += cells(r); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// clipLeft is clip for texts whose end tells most, as that of an address.
func clipLeft(s string, most int) string {
	if width(s) <= most {
		return s
	}
	if most <= 0 {
		return ""
	}
	runes := []rune(s)
	n := 0
	for i, r := range slices.Backward(runes) {
		if n += cells(r); n > most-1 {
			return "…" + string(runes[i+1:])
		}
	}
	return s
}

// pad fills a text up to so many cells, at its end or, for numbers, before it.
func pad(s string, to int, right bool) string {
	space := strings.Repeat(" ", max(0, to-width(s)))
	if right {
		return space + s
	}
	return s + space
}

// wrap breaks a text into lines of so many cells, between words where it can.
func wrap(s string, most int) (lines []string) {
	if most < 1 {
		return nil
	}
	line := ""
	for word := range strings.FieldsSeq(s) {
		for width(word) > most { // no line holds it
			if line != "" {
				lines, line = append(lines, line), ""
			}
			cut, n := 0, 0
			for i, r := range word {
				if n += cells(r); n > most && i > 0 {
					break
				}
				cut = i + len(string(r))
			}
			lines, word = append(lines, word[:cut]), word[cut:]
		}
		switch {
		case word == "":
		case line == "":
			line = word
		case width(line)+1+width(word) <= most:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func (r row) width() (n int) {
	for _, s := range r {
		n += width(s.text)
	}
	return n
}

// fit cuts a row that has more than so many cells.
func (r row) fit(most int) row {
	if r.width() <= most {
		return r
	}
	var out row
	for _, s := range r {
		w := width(s.text)
		if w >= most { // what follows shows that something is missing
			return append(out, span{clip(s.text+"  ", most), s.style})
		}
		out, most = append(out, s), most-w
	}
	return out
}

// ends puts something at the right end of a row of so many cells, where there
// is room for both.
func (r row) ends(with row, most int) row {
	space := most - r.width() - with.width()
	if space < 1 {
		return r
	}
	return append(append(slices.Clip(r), span{strings.Repeat(" ", space), plain}), with...)
}

// render writes a row for the terminal.
func (m *Model) render(b *strings.Builder, r row) {
	ground := 0
	switch {
	case !m.options.Colour:
		ground = 2
	case m.light:
		ground = 1
	}
	for _, s := range r {
		text := clean(s.text)
		if code := codes[s.style][ground]; code != "" {
			b.WriteString("\x1b[" + code + "m" + text + "\x1b[0m")
			continue
		}
		b.WriteString(text)
	}
}
