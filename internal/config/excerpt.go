package config

import (
	"bytes"
	"reflect"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Excerpt returns the line of the document that a problem is in and, below
// it, a caret under the column: two lines for people. It is "" for a problem
// that has no place in text. What is secret is masked.
func (p Problem) Excerpt(text []byte) string {
	lines := bytes.SplitN(text, []byte("\n"), p.Line+1)
	if p.Line < 1 || p.Line > len(lines) || len(lines[p.Line-1]) > mostExcerpted {
		return ""
	}
	line := maskSecrets(strings.TrimSuffix(strings.ToValidUTF8(string(lines[p.Line-1]), "\ufffd"), "\r"))
	if strings.TrimSpace(line) == "" {
		return ""
	}
	shown, caret := excerpt([]rune(line), p.Col-1)
	return shown + "\n" + caret
}

const (
	mostExcerpted = 1 << 16 // bytes of a line that is still shown in part
	excerptWidth  = 100     // letters of a line that are shown
)

// excerpt returns the part of a line around a column, and a line with a caret
// under it.
func excerpt(line []rune, col int) (shown, caret string) {
	col = min(max(col, 0), len(line))
	from, to := 0, len(line)
	if len(line) > excerptWidth {
		from = min(max(col-excerptWidth/2, 0), len(line)-excerptWidth)
		to = from + excerptWidth
	}
	var above, below strings.Builder
	if from > 0 {
		above.WriteString("…")
		below.WriteByte(' ')
	}
	for i, r := range line[from:to] {
		if unicode.IsControl(r) && r != '\t' {
			r = utf8.RuneError // nothing may steer the terminal
		}
		above.WriteRune(r)
		if from+i >= col {
			continue
		}
		if r == '\t' {
			below.WriteByte('\t') // as wide as the one above, whatever a tab is
			continue
		}
		below.WriteString(strings.Repeat(" ", columns(r)))
	}
	if to < len(line) {
		above.WriteString("…")
	}
	return above.String(), below.String() + "^"
}

// wide are the letters that take two columns of a terminal: East Asian Wide
// and Fullwidth of UAX #11, and pictures.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0x303e, 1}, {0x3041, 0x33ff, 1}, {0x3400, 0x4dbf, 1}, {0x4e00, 0x9fff, 1}, {0xa000, 0xa4cf, 1},
		{0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1}, {0xfe30, 0xfe6f, 1}, {0xff01, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1f64f, 1}, {0x1f680, 0x1f6ff, 1}, {0x1f900, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}

// columns is how many columns of a terminal a letter takes.
func columns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// secretValue finds the value of a secret key: quoted, or up to the end of the
// line, or within {} up to what may end it there.
var secretValue = regexp.MustCompile(`((?:^|[\s{,"'])(?:` + strings.Join(secretKeys(reflect.TypeFor[Config]()), "|") + `)["']?\s*:\s*)("[^"]*"?|'[^']*'?|.+)`)

// maskSecrets puts a star in the place of each letter of a secret, so that
// columns stay where they are.
func maskSecrets(line string) string {
	at := secretValue.FindStringSubmatchIndex(line)
	if at == nil {
		return line
	}
	from, to := at[4], at[5]
	if value := line[from:to]; value[0] != '"' && value[0] != '\'' && strings.Contains(line[:from], "{") {
		if end := strings.IndexAny(value, ",}"); end >= 0 && !strings.HasPrefix(value, "${") {
			to = from + end
		}
	}
	stars := strings.Repeat("*", utf8.RuneCountInString(line[from:to]))
	return line[:from] + stars + line[to:]
}

// secretKeys are the keys of a type, and of those within it, whose values are
// secret.
func secretKeys(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return secretKeys(t.Elem())
	case reflect.Struct:
		for _, f := range fieldsOf(t) {
			if f.secret {
				keys = append(keys, regexp.QuoteMeta(f.key))
			}
			keys = append(keys, secretKeys(f.kind)...)
		}
	}
	return keys
}
