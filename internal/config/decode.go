package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decoder turns a tree of nodes into a Config and remembers where everything
// stood.
type decoder struct {
	file     string
	expander expander
	problems Problems
	places   map[string]place
	said     map[string]bool // paths that need no second verdict
	broken   map[string]bool // paths that could not be read, so that nothing in them can be judged
	hidden   map[string]bool // paths whose value came from a file
	visited  int
}

func newDecoder(file string, env Env) *decoder {
	return &decoder{
		file: file, expander: expander{env: env, left: mostExpanded},
		places: map[string]place{}, said: map[string]bool{}, broken: map[string]bool{}, hidden: map[string]bool{},
	}
}

func (d *decoder) add(at place, path, what, hint string) {
	d.problems = append(d.problems, Problem{File: d.file, Line: at.line, Col: at.col, Path: path, What: what, Hint: hint})
}

// fail reports what is wrong with a node.
func (d *decoder) fail(n *yaml.Node, path, what, hint string) {
	d.said[path], d.broken[path] = true, true
	d.add(place{n.Line, n.Column}, path, what, hint)
}

// report adds a problem of the meaning at the place where its path stands, or
// where the nearest thing around it does. Of what came from a file it repeats
// nothing: problems are logged and shown to anybody who may ask.
func (d *decoder) report(path, what, hint string) {
	if d.said[path] || d.inBroken(path) {
		return
	}
	d.said[path] = true
	at, ok := d.places[path]
	for outer := path; !ok && outer != ""; at, ok = d.places[outer] {
		outer = parent(outer)
	}
	if d.hidden[path] {
		what = hiddenValue
	}
	d.add(at, path, what, hint)
}

// inBroken reports whether something around a path could not be read.
func (d *decoder) inBroken(path string) bool {
	for outer := parent(path); outer != ""; outer = parent(outer) {
		if d.broken[outer] {
			return true
		}
	}
	return false
}

const hiddenValue = "what the file holds cannot be used here"

// decode sets v, which can be set, from a node.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if !d.spend(n, path) {
		return
	}
	d.places[path] = place{n.Line, n.Column}
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		d.fail(n, path, "has no value", "give it one, or leave the key out")
		return
	case n.Tag == "!!binary" || n.Tag != "" && !strings.HasPrefix(n.Tag, "!!"):
		d.fail(n, path, "the tag "+n.Tag+" is not known", "take it out")
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
		if i := slices.IndexFunc(fields, func(f fieldInfo) bool { return f.short }); i >= 0 {
			d.decode(n, v.Field(fields[i].index), join(path, fields[i].key))
			return
		}
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a mapping of keys to values, not "+kindName(n), "")
		return
	}
	for _, p := range d.pairs(n, path) {
		d.member(p, v, path, fields)
	}
}

func (d *decoder) member(p pair, v reflect.Value, path string, fields []fieldInfo) {
	at := join(path, p.key.Value)
	i := slices.IndexFunc(fields, func(f fieldInfo) bool { return f.key == p.key.Value })
	switch {
	case i < 0 && path == "" && strings.HasPrefix(p.key.Value, "x-"):
		return // room for anchors and notes
	case i < 0:
		near := nearest(p.key.Value, keysOf(fields))
		if near != "" {
			d.said[join(path, near)] = true // what was mistyped is not missing as well
		}
		d.fail(p.key, at, "unknown key", didYouMean(near))
	case fields[i].later != "":
		d.fail(p.key, at, "not built yet", "it belongs to "+fields[i].later+"; take it out")
	default:
		d.decode(p.value, v.Field(fields[i].index), at)
	}
}

func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "must be a list, not "+kindName(n), "write it as [a, b] or with a line - a for each")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		if d.visited > mostNodes {
			return
		}
		setDefaults(v.Index(i))
		d.decode(item, v.Index(i), indexed(path, i))
	}
}

func (d *decoder) textMap(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a mapping of keys to values, not "+kindName(n), "")
		return
	}
	m := map[string]string{}
	for _, p := range d.pairs(n, path) {
		var text string
		d.decode(p.value, reflect.ValueOf(&text).Elem(), join(path, p.key.Value))
		m[p.key.Value] = text
	}
	v.Set(reflect.ValueOf(m))
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, path, "must be a single value, not "+kindName(n), "")
		return
	}
	text, fromFile, err := d.expander.expand(n.Value)
	if err != nil {
		d.fail(n, path, err.Error(), "")
		return
	}
	d.hidden[path] = fromFile
	err = setScalar(v, text)
	if err != nil && fromFile {
		err = errors.New(hiddenValue)
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
	case float64:
		if parsed, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(parsed.(float64)) || math.IsInf(parsed.(float64), 0) {
			err = fmt.Errorf("%q is no number", text)
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

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parent returns the path of what is around a path, "" for the document.
func parent(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }
