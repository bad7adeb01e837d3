package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// mostNodes bounds the keys and values that are visited, aliases and merge
// keys followed, so that a few lines of aliases to aliases cannot keep Poise
// busy.
const mostNodes = 500_000

type place struct{ line, col int }

// load parses the text of the one document that a file may hold. It returns
// nil when there is none; then it has reported why.
func (d *decoder) load(text []byte) *yaml.Node {
	if at, what := unreadable(text); what != "" {
		d.add(at, "", what, "save the file as UTF-8 text")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		panic("yaml loader: " + err.Error()) // it has no options that could be wrong
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err != nil {
		d.syntax(err, text)
		return nil
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		d.syntax(io.EOF, text)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		d.add(secondDocument(text, &second), "", "a second document begins here", "keep one; take the --- out to join them")
		return nil
	case !errors.Is(err, io.EOF):
		d.syntax(err, text)
		return nil
	}
	return root
}

// secondDocument returns where the line --- in front of it stands: a document
// may be empty and have no place of its own.
func secondDocument(text []byte, n *yaml.Node) place {
	at := place{max(n.Line, 1), max(n.Column, 1)}
	lines := strings.Split(string(text), "\n")
	for i := min(at.line, len(lines)) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "---") {
			return place{i + 1, 1}
		}
	}
	return at
}

// syntax reports what the YAML parser says.
func (d *decoder) syntax(err error, text []byte) {
	if errors.Is(err, io.EOF) {
		d.add(place{1, 1}, "", "the document is empty", "it needs at least listeners and clusters")
		return
	}
	at, what := place{1, 1}, err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		at, what = place{max(e.Mark.Line, 1), max(e.Mark.Column, 1)}, e.Message
	}
	hint := ""
	if lines := bytes.Split(text, []byte("\n")); at.line <= len(lines) && bytes.Contains(lines[at.line-1], []byte("${")) {
		hint = `put ${…} in quotes: inside [] and {} its brace ends the value`
	}
	d.add(at, "", "no YAML: "+what, hint)
}

// unreadable finds the first byte that text cannot hold. The YAML parser
// would say so as well, but not where.
func unreadable(text []byte) (at place, what string) {
	at = place{1, 1}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			return at, "this byte is not UTF-8"
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f:
			return at, fmt.Sprintf("the control character %U cannot stand here", r)
		case r == '\n':
			at = place{at.line + 1, 0}
		}
		at.col++
		text = text[n:]
	}
	return at, ""
}

// spend counts one key or value. It returns false once there were too many,
// and then the document is not taken at all.
func (d *decoder) spend(n *yaml.Node, path string) bool {
	d.visited++
	if d.visited == mostNodes+1 {
		d.fail(n, path, fmt.Sprintf("the document has more than %d keys and values once its aliases are followed", mostNodes), "use fewer aliases")
	}
	return d.visited <= mostNodes
}

// pair is a key with its value.
type pair struct{ key, value *yaml.Node }

// pairs returns the keys and values of a mapping, those of merge keys (<<)
// behind its own. A key that stands there twice is a problem.
func (d *decoder) pairs(n *yaml.Node, path string) (all []pair) {
	seen := map[string]*yaml.Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.spend(key, path) {
			return nil
		}
		first := seen[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.add(place{key.Line, key.Column}, path, "a key must be a plain word", "")
		case key.Value == "<<":
			merged = append(merged, value)
		case first != nil:
			d.add(place{key.Line, key.Column}, join(path, key.Value), fmt.Sprintf("stands here twice, first in line %d", first.Line), "keep one")
		default:
			seen[key.Value] = key
			all = append(all, pair{key, value})
		}
	}
	for _, m := range merged {
		all = append(all, d.mergedPairs(m, path, seen)...)
	}
	return all
}

// mergedPairs returns what a merge key adds: keys that are not there yet, of
// one mapping or of a list of them, the first first.
func (d *decoder) mergedPairs(n *yaml.Node, path string, seen map[string]*yaml.Node) (all []pair) {
	if !d.spend(n, path) {
		return nil
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.mergedPairs(n.Alias, path, seen)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			all = append(all, d.mergedPairs(item, path, seen)...)
		}
	case yaml.MappingNode:
		for _, p := range d.pairs(n, path) {
			if seen[p.key.Value] == nil {
				seen[p.key.Value] = p.key
				all = append(all, p)
			}
		}
	default:
		d.fail(n, join(path, "<<"), "must be a mapping, or a list of them", "name one with an alias, as in <<: *defaults")
	}
	return all
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}
