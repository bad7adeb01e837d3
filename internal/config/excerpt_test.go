package config

import (
	"strings"
	"testing"
)

func TestTheCaretStandsUnderTheColumn(t *testing.T) {
	long := strings.Repeat("0123456789", 30)
	for _, test := range []struct {
		name, text string
		line, col  int
		want       string
	}{
		{"plain", "a: 1\nb: x\n", 2, 4, "b: x\n   ^"},
		{"a last line without an end", "a: 1", 1, 1, "a: 1\n^"},
		{"a line of Windows", "a: 1\r\nb: x\r\n", 2, 4, "b: x\n   ^"},
		{"a tab is as wide below as above", "a:\t1", 1, 4, "a:\t1\n  \t^"},
		{"wide letters take two columns", "名前: [x]", 1, 5, "名前: [x]\n      ^"},
		{"a letter with an accent of its own takes one", "e\u0301: [x]", 1, 5, "e\u0301: [x]\n   ^"},
		{"letters that only are long in bytes take one", "ééé: x", 1, 6, "ééé: x\n     ^"},
		{"pictures take two", "🚀: x", 1, 4, "🚀: x\n    ^"},
		{"the end of a line", "a: [", 1, 5, "a: [\n    ^"},
		{"a column beyond the line", "a", 1, 9, "a\n ^"},
		{"what would steer a terminal", "a: \x1b[31m", 1, 4, "a: \ufffd[31m\n   ^"},
		{"a byte that is no letter", "a: \xff", 1, 4, "a: \ufffd\n   ^"},
		{"the middle of a long line", long, 1, 151, "…" + long[100:200] + "…\n" + strings.Repeat(" ", 51) + "^"},
		{"the end of a long line", long, 1, 300, "…" + long[200:] + "\n" + strings.Repeat(" ", 100) + "^"},
		{"an empty line", "a: 1\n\n", 2, 1, ""},
		{"no line", "a: 1\n", 0, 0, ""},
		{"a line that is not there", "a: 1\n", 7, 1, ""},
		{"a line without end", strings.Repeat("x", mostExcerpted+1), 1, 1, ""},
	} {
		if got := (Problem{Line: test.line, Col: test.col}).Excerpt([]byte(test.text)); got != test.want {
			t.Errorf("%s:\n%q\nwant\n%q", test.name, got, test.want)
		}
	}
}

func TestTheExcerptShowsNoSecret(t *testing.T) {
	for line, want := range map[string]string{
		"  token: s3cret, and } more":                  "  token: ******************",
		"admin: {token: s3cret, names: [7]}":           "admin: {token: ******, names: [7]}",
		`admin: {names: [7], "token": "s3,cr}t"}`:      `admin: {names: [7], "token": *********}`,
		"admin: { token : 's3cret' }":                  "admin: { token : ******** }",
		"admin: {token: ${POISE_TOKEN:-s3cret}, x: 1}": "admin: {token: *****************************",
		"tokens: none":  "tokens: none",
		"x-token: none": "x-token: none",
	} {
		got, _, _ := strings.Cut((Problem{Line: 1, Col: 1}).Excerpt([]byte(line)), "\n")
		if got != want {
			t.Errorf("%s\nis shown as %s\nwant        %s", line, got, want)
		}
	}
}
