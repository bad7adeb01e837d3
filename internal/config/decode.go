package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// mostNodes bounds the nodes that are visited, aliases followed, so that a
// few lines of aliases to aliases cannot keep Poise busy.
const mostNodes = 200_000

// decoder turns a tree of nodes into a Config and remembers where everything
// stood.
type decoder struct {
	file     string
	env      Env
	problems Problems
	places   map[string]place
	visited  int
}

type place struct{ line, col int }

// load parses the text of one document.
func (d *decoder) load(text []byte) *yaml.Node {
	var root yaml.Node
	err := yaml.Load(text, &root)
	if err == nil {
		return &root
	}
	p := Problem{File: d.file, Line: 1, Col: 1, What: err.Error()}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.Line, p.Col, p.What = max(e.Mark.Line, 1), max(e.Mark.Column, 1), e.Message
	}
	switch {
	case strings.Contains(p.What, "no documents"):
		p.What, p.Hint = "the document is empty", "it needs at least listeners and clusters"
	case strings.Contains(p.What, "expected single document"):
		p.What, p.Hint = "there is more than one document", "take the --- out"
	}
	d.problems = append(d.problems, p)
	return nil
}

func (d *decoder) fail(n *yaml.Node, path, what, hint string) {
	d.problems = append(d.problems, Problem{File: d.file, Line: n.Line, Col: n.Column, Path: path, What: what, Hint: hint})
}

// decode sets v, which can be set, from a node.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if d.visited++; d.visited > mostNodes {
		if d.visited == mostNodes+1 {
			d.fail(n, path, "the document is too large once its aliases are followed", "use fewer")
		}
		return
	}
	d.places[path] = place{n.Line, n.Column}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.fail(n, path, "has no value", "give it one, or leave the key out")
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		setDefaults(p.Elem())
		d.decode(n, p.Elem(), path)
		v.Set(p)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Map:
		d.textMap(n, v, path)
	default:
		d.scalar(n, v, path)
	}
}

// structure sets the fields of a struct from a mapping, or its short form
// from a scalar.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	fields := fieldsOf(v.Type())
	if n.Kind == yaml.ScalarNode {
		for _, f := range fields {
			if f.short {
				d.decode(n, v.Field(f.index), join(path, f.key))
				return
			}
		}
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a mapping of keys to values, not "+kindName(n), "")
		return
	}
	for _, pair := range d.pairs(n, path) {
		d.member(pair, v, path, fields)
	}
}

func (d *decoder) member(pair [2]*yaml.Node, v reflect.Value, path string, fields []fieldInfo) {
	key, value := pair[0], pair[1]
	i := slices.IndexFunc(fields, func(f fieldInfo) bool { return f.key == key.Value })
	switch {
	case i < 0 && path == "" && strings.HasPrefix(key.Value, "x-"):
		return // room for anchors and notes
	case i < 0:
		d.fail(key, join(path, key.Value), "unknown key", didYouMean(key.Value, keysOf(fields)))
	case fields[i].later != "":
		d.fail(key, join(path, key.Value), "not built yet", "it belongs to "+fields[i].later+"; take it out")
	default:
		d.decode(value, v.Field(fields[i].index), join(path, key.Value))
	}
}

// pairs returns the keys and values of a mapping, those of merge keys (<<)
// behind its own. A key that stands there twice is a problem.
func (d *decoder) pairs(n *yaml.Node, path string) (all [][2]*yaml.Node) {
	seen := map[string]*yaml.Node{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.fail(key, path, "a key must be a plain word", "")
			continue
		}
		if key.Value == "<<" {
			merged = append(merged, value)
			continue
		}
		if first := seen[key.Value]; first != nil {
			d.fail(key, join(path, key.Value), fmt.Sprintf("stands here twice, first in line %d", first.Line), "keep one")
			continue
		}
		seen[key.Value] = key
		all = append(all, [2]*yaml.Node{key, value})
	}
	for _, m := range merged {
		all = append(all, d.mergedPairs(m, path, seen)...)
	}
	return all
}

func (d *decoder) mergedPairs(n *yaml.Node, path string, seen map[string]*yaml.Node) (all [][2]*yaml.Node) {
	if d.visited++; d.visited > mostNodes {
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
		for _, pair := range d.pairs(n, path) {
			if seen[pair[0].Value] == nil {
				seen[pair[0].Value] = pair[0]
				all = append(all, pair)
			}
		}
	default:
		d.fail(n, join(path, "<<"), "must be a mapping", "")
	}
	return all
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "must be a list, not "+kindName(n), "write it as [a, b] or with a line - a for each")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		setDefaults(v.Index(i))
		d.decode(item, v.Index(i), path+"["+strconv.Itoa(i)+"]")
	}
}

func (d *decoder) textMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a mapping of keys to values, not "+kindName(n), "")
		return
	}
	m := map[string]string{}
	for _, pair := range d.pairs(n, path) {
		text := reflect.New(v.Type().Elem()).Elem()
		d.decode(pair[1], text, join(path, pair[0].Value))
		m[pair[0].Value] = text.String()
	}
	v.Set(reflect.ValueOf(m))
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "must be a single value, not "+kindName(n), "")
		return
	}
	text, err := d.env.expand(n.Value)
	if err == nil {
		err = setScalar(v, text)
	}
	if err != nil {
		d.fail(n, path, err.Error(), "")
	}
}

// setScalar reads text as the kind of value that v is. The string type is
// taken as it is: a YAML number or boolean is text as well.
func setScalar(v reflect.Value, text string) error {
	var parsed any
	var err error
	switch v.Interface().(type) {
	case Duration:
		parsed, err = ParseDuration(text)
	case Size:
		parsed, err = ParseSize(text)
	case Share:
		parsed, err = ParseShare(text)
	case OnOff:
		parsed, err = parseOnOff(text)
	case int:
		if parsed, err = strconv.Atoi(text); err != nil {
			err = fmt.Errorf("%q is no whole number", text)
		}
	case bool:
		if text != "true" && text != "false" {
			err = fmt.Errorf("%q is neither true nor false", text)
		}
		parsed = text == "true"
	default:
		parsed = text
	}
	if err == nil {
		v.Set(reflect.ValueOf(parsed).Convert(v.Type()))
	}
	return err
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

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
