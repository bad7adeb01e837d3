package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"poise/internal/lb"
)

const guidePath = "../../docs/guide/configuration.md"

// keyInfo is a key as the guide shows it.
type keyInfo struct {
	fieldInfo
	path string
}

// allKeys returns every key of the format, from the definitions.
func allKeys() (all []keyInfo) {
	var walk func(t reflect.Type, path string)
	walk = func(t reflect.Type, path string) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			if t.Kind() == reflect.Slice {
				path += "[]"
			}
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct {
			return
		}
		for _, f := range fieldsOf(t) {
			at := strings.TrimPrefix(path+"."+f.key, ".")
			all = append(all, keyInfo{f, at})
			if f.later == "" {
				walk(f.kind, at)
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	return all
}

// typeName says in an operator's words what may be written.
func (k *keyInfo) typeName() string {
	t, one, many := k.kind, "", ""
	if t.Kind() == reflect.Slice {
		t, one, many = t.Elem(), "list of ", "s"
	}
	if k.enum != nil {
		return one + "`" + strings.Join(k.enum, "`, `") + "`"
	}
	switch t {
	case reflect.TypeFor[Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[Share]():
		return "share"
	case reflect.TypeFor[OnOff]():
		return "`on`, `off`"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Float64:
		return "number"
	case reflect.Bool:
		return "`true`, `false`"
	case reflect.Map:
		return "mapping of texts"
	case reflect.Struct:
		if slices.ContainsFunc(fieldsOf(t), func(f fieldInfo) bool { return f.short }) {
			return one + "section" + many + " or text" + many
		}
		return one + "section" + many
	case reflect.Pointer:
		return "section"
	}
	return one + "text" + many
}

func (k *keyInfo) defaultText() string {
	switch {
	case k.required != "":
		return "required"
	case k.kind.Kind() == reflect.Pointer:
		return "*off*"
	case k.fallback != "":
		return "`" + k.fallback + "`"
	}
	return "–"
}

func (k *keyInfo) row() string {
	meaning := k.doc
	if k.short {
		meaning += "; may stand for the section"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.path, k.typeName(), k.defaultText(), strings.NewReplacer("|", `\|`, "*", `\*`).Replace(meaning))
}

// block is a part of the guide that is made from the definitions.
var block = regexp.MustCompile(`(?s)(<!-- (keys: [a-z ]+|later) -->\n)(.*?)(<!-- end -->\n)`)

// made returns what belongs into a block.
func made(kind string) string {
	var b strings.Builder
	if kind == "later" {
		for _, k := range allKeys() {
			if k.later != "" {
				fmt.Fprintf(&b, "- `%s`: %s\n", k.path, k.later)
			}
		}
		return b.String()
	}
	b.WriteString("\n| key | type | default | meaning |\n|---|---|---|---|\n")
	sections := strings.Fields(strings.TrimPrefix(kind, "keys: "))
	for _, k := range allKeys() {
		top := regexp.MustCompile(`^[a-z_]+`).FindString(k.path)
		if k.later == "" && slices.Contains(sections, top) {
			b.WriteString(k.row())
		}
	}
	b.WriteString("\n")
	return b.String()
}

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(guidePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestGuideHasEveryKey compares the tables of the guide with the definitions,
// row by row; -update writes them.
func TestGuideHasEveryKey(t *testing.T) {
	text := guide(t)
	want := block.ReplaceAllStringFunc(text, func(part string) string {
		m := block.FindStringSubmatch(part)
		return m[1] + made(m[2]) + m[4]
	})
	if *update {
		if err := os.WriteFile(guidePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		text = want
	}
	if have := strings.Split(text, "\n"); text != want {
		for line := range strings.SplitSeq(want, "\n") {
			if !slices.Contains(have, line) {
				t.Errorf("the guide lacks %s", line)
			}
		}
		wanted := strings.Split(want, "\n")
		for _, line := range have {
			if !slices.Contains(wanted, line) {
				t.Errorf("the definitions have no such key: %s", line)
			}
		}
		t.Errorf("go test ./internal/config -run Guide -update writes the tables of %s", guidePath)
	}
	for _, k := range allKeys() {
		if n := strings.Count(text, "\n| `"+k.path+"` |") + strings.Count(text, "\n- `"+k.path+"`: "); n != 1 {
			t.Errorf("the guide has %d rows for %s; want one", n, k.path)
		}
		if k.doc == "" && k.later == "" {
			t.Errorf("%s has no meaning", k.path)
		}
	}
}

// TestGuideHasAnExampleOfEveryKey reads the examples of the guide: each is a
// whole document that works, and together they show every key.
func TestGuideHasAnExampleOfEveryKey(t *testing.T) {
	shown := map[string]bool{}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(guide(t), -1)
	for i, e := range examples {
		if _, problems := Parse(Document{fmt.Sprintf("example %d", i+1), []byte(e[1])}, testEnv()); len(problems) > 0 {
			t.Errorf("%v\nin\n%s", problems, e[1])
		}
		var v any
		if err := yaml.Load([]byte(e[1]), &v); err != nil {
			t.Fatal(err)
		}
		written(v, "", shown)
	}
	for _, k := range allKeys() {
		if k.later == "" && !shown[k.path] && !(k.short && shown[strings.TrimSuffix(k.path, "."+k.key)]) {
			t.Errorf("no example shows %s", k.path)
		}
	}
}

// written collects the keys that a document holds.
func written(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			at := strings.TrimPrefix(path+"."+key, ".")
			into[at] = true
			written(value, at, into)
		}
	case []any:
		for _, value := range v {
			written(value, path+"[]", into)
		}
	}
}

func TestGuideNamesThePolicies(t *testing.T) {
	text := guide(t)
	for _, name := range append([]string{lb.Adaptive}, lb.Policies...) {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("the guide does not name %s", name)
		}
	}
}
