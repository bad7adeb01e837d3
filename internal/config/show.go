package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// blanked stands where a secret is.
const blanked = "<secret>"

// Resolved returns the configuration as YAML with every default filled in, in
// the order of the definitions, and secrets blanked. Sections that are off are
// left out.
func (c *Config) Resolved() []byte {
	p := printer{hidden: c.hidden}
	text, err := yaml.Dump(p.node(reflect.ValueOf(c).Elem(), "", false))
	if err != nil {
		panic("resolved configuration: " + err.Error()) // a tree that was just made
	}
	return text
}

// printer makes the nodes of a resolved document.
type printer struct {
	hidden map[string]bool // paths that are not shown
}

func (p *printer) node(v reflect.Value, path string, secret bool) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		return p.node(v.Elem(), path, secret)
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range fieldsOf(v.Type()) {
			field := v.Field(f.index)
			if f.later == "" && !isOff(field, f) {
				n.Content = append(n.Content, textNode(f.key), p.node(field, join(path, f.key), f.secret))
			}
		}
		return n
	case reflect.Slice:
		return p.list(v, path, secret)
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		m := v.Interface().(map[string]string)
		for _, k := range slices.Sorted(maps.Keys(m)) {
			n.Content = append(n.Content, textNode(k), p.node(reflect.ValueOf(m[k]), join(path, k), secretKey(k)))
		}
		return n
	}
	if secret || p.hidden[path] {
		return textNode(blanked)
	}
	n := textNode(fmt.Sprint(v.Interface()))
	if _, err := strconv.Atoi(n.Value); err == nil || v.Type() == reflect.TypeFor[bool]() {
		n.Tag = "" // needs no quotes: whoever wants text takes a number as text
	}
	return n
}

func (p *printer) list(v reflect.Value, path string, secret bool) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		n.Content = append(n.Content, p.node(v.Index(i), indexed(path, i), secret))
	}
	if v.Type().Elem().Kind() == reflect.String {
		n.Style = yaml.FlowStyle
	}
	return n
}

// isOff reports whether a field says nothing: an empty value without a
// default, or an optional section that was not written.
func isOff(v reflect.Value, f fieldInfo) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil()
	case reflect.Struct:
		for _, inner := range fieldsOf(v.Type()) {
			if inner.later == "" && !isOff(v.Field(inner.index), inner) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Map:
		return v.Len() == 0 && f.fallback == ""
	}
	return v.IsZero() && f.fallback == ""
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// Redact returns a document as it was written with its secrets blanked:
// values of secret keys, also by way of an alias, and what comes from a file.
// Layout may change a little, comments stay.
func Redact(doc Document) []byte {
	var root yaml.Node
	if yaml.Load(doc.Text, &root) != nil {
		return []byte("# the document cannot be parsed, so that its secrets cannot be told apart\n")
	}
	r := redactor{done: map[*yaml.Node]bool{}}
	r.redact(&root, false)
	text, err := yaml.Dump(&root)
	if err != nil {
		return []byte("# the document cannot be shown\n")
	}
	return text
}

// redactor blanks every node at most once: an anchor may hold itself.
type redactor struct{ done map[*yaml.Node]bool }

func (r *redactor) redact(n *yaml.Node, secret bool) {
	if r.done[n] {
		return
	}
	r.done[n] = secret
	switch n.Kind {
	case yaml.AliasNode:
		if secret { // what else an alias leads to is met where it stands
			r.redact(n.Alias, true)
		}
	case yaml.ScalarNode:
		if secret && n.Value != "" || strings.Contains(n.Value, "${file:") {
			n.Value, n.Tag, n.Style = blanked, "!!str", 0
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.redact(n.Content[i+1], secret || secretKey(n.Content[i].Value))
		}
	default:
		for _, c := range n.Content {
			r.redact(c, secret)
		}
	}
}

// secretKey goes by the name, so that keys which are not built yet, mistyped
// ones and header fields are covered too.
func secretKey(key string) bool {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	if strings.HasSuffix(key, "_key") {
		return key != "hash_key"
	}
	return slices.ContainsFunc([]string{"token", "password", "secret", "authorization"}, func(s string) bool { return strings.Contains(key, s) })
}
