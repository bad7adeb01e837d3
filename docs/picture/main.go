// Command picture turns what a program wrote to a terminal, as script(1) keeps
// it, into an SVG: `make picture` makes docs/demo.svg of a real run with it.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A character's cell, and the margin, in pixels.
const (
	cellWidth  = 8
	cellHeight = 18
	margin     = 16
)

// colours are what the terminal's codes look like on the dark ground.
var colours = map[string]string{
	"0": `fill="#d4d7dd"`, "1": `fill="#ffffff" font-weight="bold"`, "2": `fill="#8b93a1"`,
	"31": `fill="#ff7b72"`, "32": `fill="#56d364"`, "33": `fill="#e3b341"`, "36": `fill="#56d4dd"`,
}

var code = regexp.MustCompile(`\x1b\[(\d*)m`)

// lines are those that stay on the terminal: what is written over goes.
func lines(r io.Reader) (all []string, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r")
		if i := strings.LastIndex(line, "\r\x1b[K"); i >= 0 {
			line = line[i+len("\r\x1b[K"):]
		}
		if !strings.HasPrefix(line, "Script started") && !strings.HasPrefix(line, "Script done") {
			all = append(all, strings.TrimPrefix(line, "\r"))
		}
	}
	for len(all) > 0 && all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all, s.Err()
}

// draw writes one line. Every word stands where its cell is, whatever the
// width of the reader's font.
func draw(w io.Writer, line string, y int) (width int) {
	column, colour := 0, colours["0"]
	text := func(t string) {
		for _, word := range regexp.MustCompile(` *[^ ]+`).FindAllString(t, -1) {
			trimmed := strings.TrimLeft(word, " ")
			column += len(word) - len(trimmed)
			fmt.Fprintf(w, `<text x="%d" y="%d" %s>%s</text>`+"\n", margin+column*cellWidth, y, colour, html.EscapeString(trimmed))
			column += utf8.RuneCountInString(trimmed)
		}
		column += len(t) - len(strings.TrimRight(t, " "))
	}
	for {
		at := code.FindStringSubmatchIndex(line)
		if at == nil {
			text(line)
			return column
		}
		text(line[:at[0]])
		if c, known := colours[line[at[2]:at[3]]]; known {
			colour = c
		}
		line = line[at[1]:]
	}
}

func main() {
	all, err := lines(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		all = append([]string{"\x1b[32m$\x1b[0m \x1b[1m" + strings.Join(os.Args[1:], " "), ""}, all...)
	}
	var body strings.Builder
	widest := 0
	for i, line := range all {
		widest = max(widest, draw(&body, line, margin+(i+1)*cellHeight-5))
	}
	width, height := 2*margin+widest*cellWidth, 2*margin+len(all)*cellHeight
	fmt.Printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">
<rect width="100%%" height="100%%" rx="8" fill="#161b22"/>
%s</svg>
`, width, height, width, height, body.String())
}
