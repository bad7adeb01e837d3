package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// blanked stands where a secret is.
const blanked = "<secret>"

// Resolved returns the configuration as YAML with every default filled in and
// secrets blanked. Sections that are off are left out.
func (c *Config) Resolved() []byte {
	n := nodeOf(reflect.ValueOf(c).Elem(), false)
	text, err := yaml.Marshal(n)
	if err != nil {
		panic("resolved configuration: " + err.Error()) // a tree that was just made
	}
	return text
}

func nodeOf(v reflect.Value, secret bool) *yaml.Node {
	switch v.Kind() {
	case reflect.Pointer:
		return nodeOf(v.Elem(), secret)
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for _, f := range fieldsOf(v.Type()) {
			field := v.Field(f.index)
			if f.later != "" || isOff(field, f) {
				continue
			}
			n.Content = append(n.Content, textNode(f.key), nodeOf(field, f.secret))
		}
		return n
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, nodeOf(v.Index(i), secret))
		}
		if v.Len() > 0 && v.Index(0).Kind() == reflect.String {
			n.Style = yaml.FlowStyle
		}
		return n
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		m := v.Interface().(map[string]string)
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			n.Content = append(n.Content, textNode(k), textNode(m[k]))
		}
		return n
	}
	if secret {
		return textNode(blanked)
	}
	n := textNode(fmt.Sprint(v.Interface()))
	if k := v.Kind(); (k == reflect.Int || k == reflect.Bool) && v.Type().PkgPath() == "" {
		n.Tag = ""
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
		return v.Len() == 0
	}
	return v.IsZero() && f.fallback == ""
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// Redact returns a document as it was written with its secrets blanked:
// values of secret keys, and what comes from a file. Layout may change a
// little, comments stay.
func Redact(doc Document) []byte {
	var root yaml.Node
	if yaml.Load(doc.Text, &root) != nil {
		return []byte("# the document cannot be parsed, so that its secrets cannot be told apart\n")
	}
	redact(&root, false)
	text, err := yaml.Marshal(&root)
	if err != nil {
		return []byte("# the document cannot be shown\n")
	}
	return text
}

func redact(n *yaml.Node, secret bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		if secret && n.Value != "" || strings.Contains(n.Value, "${file:") {
			n.Value, n.Tag, n.Style = blanked, "!!str", 0
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			redact(n.Content[i+1], secret || secretKey(n.Content[i].Value))
		}
	default:
		for _, c := range n.Content {
			redact(c, secret)
		}
	}
}

// secretKey goes by the name, so that keys which are not built yet, and
// mistyped ones, are covered too.
func secretKey(key string) bool {
	for _, s := range []string{"token", "password", "secret", "api_key", "app_key"} {
		if strings.Contains(strings.ToLower(key), s) {
			return true
		}
	}
	return false
}
