// Command picture turns what a program wrote to a terminal, as script(1) keeps
// it, or tmux captures it, into an SVG: `make picture` makes docs/demo.svg and
// docs/top.svg of real runs with it.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A character's cell, and the margin, in pixels.
const (
	cellWidth  = 8
	cellHeight = 18
	margin     = 16
)

// The grounds, and what the terminal's colours look like on the dark one.
const (
	ground   = "#161b22"
	ordinary = "#d4d7dd"
	faint    = "#8b93a1"
	bright   = "#ffffff"
)

var colours = map[int]string{31: "#ff7b72", 32: "#56d364", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd"}

var code = regexp.MustCompile(`\x1b\[([\d;]*)m`)

// look is how the terminal writes at the moment.
type look struct {
	colour              string // "" for none of its own
	bold, dim, reversed bool
}

// take takes the numbers of a code in.
func (l *look) take(numbers string) {
	for n := range strings.SplitSeq(numbers, ";") {
		switch i, _ := strconv.Atoi(n); i {
		case 0:
			*l = look{}
		case 1:
			l.bold = true
		case 2:
			l.dim = true
		case 7:
			l.reversed = true
		case 22:
			l.bold, l.dim = false, false
		case 27:
			l.reversed = false
		case 39:
			l.colour = ""
		default:
			if c, known := colours[i]; known {
				l.colour = c
			}
		}
	}
}

func (l *look) ink() string {
	switch {
	case l.colour != "":
		return l.colour
	case l.dim:
		return faint
	case l.bold && !l.reversed:
		return bright
	}
	return ordinary
}

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

// pieces are what stands together: words of letters that every font has in one
// width, and each other sign by itself, so that it stands in its cell.
var pieces = regexp.MustCompile(`[!-~\x{a0}-\x{24f}]+|[^ ]`)

// canvas is where a line is drawn: its pen stands at a cell of the line.
type canvas struct {
	w      io.Writer
	look   look
	column int
	top    int // of the line, in pixels
}

// draw writes one line and returns its width in cells. How the one before was
// written at its end goes on.
func (c *canvas) draw(line string, top int) (width int) {
	c.column, c.top = 0, top
	for {
		at := code.FindStringSubmatchIndex(line)
		if at == nil {
			c.text(line)
			return c.column
		}
		c.text(line[:at[0]])
		c.look.take(line[at[2]:at[3]])
		line = line[at[1]:]
	}
}

func (c *canvas) text(t string) {
	ink := c.look.ink()
	if c.look.reversed && t != "" {
		fmt.Fprintf(c.w, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", c.x(0), c.top, utf8.RuneCountInString(t)*cellWidth, cellHeight, ink)
		ink = ground
	}
	weight := ""
	if c.look.bold {
		weight = ` font-weight="bold"`
	}
	for _, at := range pieces.FindAllStringIndex(t, -1) {
		x, piece := c.x(utf8.RuneCountInString(t[:at[0]])), t[at[0]:at[1]]
		if !c.block(piece, x, ink) {
			fmt.Fprintf(c.w, `<text x="%d" y="%d" fill="%s"%s>%s</text>`+"\n", x, c.top+cellHeight-5, ink, weight, html.EscapeString(piece))
		}
	}
	c.column += utf8.RuneCountInString(t)
}

// x is where a cell behind the pen begins.
func (c *canvas) x(cell int) int { return margin + (c.column+cell)*cellWidth }

// block draws the signs that fill a part of their cell, which fonts do not
// agree about.
func (c *canvas) block(sign string, x int, ink string) bool {
	r, _ := utf8.DecodeRuneInString(sign)
	switch {
	case r >= '▁' && r <= '█':
		height := int(r-'▁'+1) * (cellHeight - 2) / 8
		fmt.Fprintf(c.w, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n", x, c.top+cellHeight-height, cellWidth-1, height, ink)
	case r == '━':
		fmt.Fprintf(c.w, `<rect x="%d" y="%d" width="%d" height="6" fill="%s"/>`+"\n", x, c.top+7, cellWidth, ink)
	case r == '╌':
		fmt.Fprintf(c.w, `<rect x="%d" y="%d" width="%d" height="2" fill="%s"/>`+"\n", x+1, c.top+9, cellWidth-2, faint)
	default:
		return false
	}
	return true
}

func main() {
	all, err := lines(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
	if len(os.Args) > 1 {
		all = append([]string{"\x1b[32m$\x1b[0m \x1b[1m" + strings.Join(os.Args[1:], " ") + "\x1b[0m", ""}, all...)
	}
	var body strings.Builder
	c, widest := canvas{w: &body}, 0
	for i, line := range all {
		widest = max(widest, c.draw(line, margin+i*cellHeight))
	}
	width, height := 2*margin+widest*cellWidth, 2*margin+len(all)*cellHeight
	fmt.Printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13">
<rect width="100%%" height="100%%" rx="8" fill="%s"/>
%s</svg>
`, width, height, width, height, ground, body.String())
}
