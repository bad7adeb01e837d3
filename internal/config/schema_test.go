package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("poise.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("poise.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON returns a document as a validator in an editor sees it, or false
// when it is no YAML.
func asJSON(text string) (any, bool) {
	var v any
	if yaml.Load([]byte(text), &v) != nil {
		return nil, false
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	return doc, err == nil
}

// wrongPlaces returns where the schema finds something wrong, as paths of
// ours.
func wrongPlaces(s *jsonschema.Schema, doc any) (paths []string) {
	failed, ok := errors.AsType[*jsonschema.ValidationError](s.Validate(doc))
	if !ok {
		return nil
	}
	var walk func(e *jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		if len(e.Causes) == 0 {
			paths = append(paths, pathOf(e.InstanceLocation))
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(failed)
	return paths
}

func pathOf(location []string) (path string) {
	for _, part := range location {
		if i, err := strconv.Atoi(part); err == nil {
			path = indexed(path, i)
		} else {
			path = join(path, part)
		}
	}
	return path
}

func TestEveryExampleFitsTheSchemaAndParses(t *testing.T) {
	s := schema(t)
	files, _ := filepath.Glob("../../docs/config/examples/*.yaml")
	if len(files) < 6 {
		t.Fatalf("%d examples; want at least 6", len(files))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			parse(t, string(text))
			doc, _ := asJSON(string(text))
			if err := s.Validate(doc); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatResolvesFitsTheSchema(t *testing.T) {
	s := schema(t)
	eachGolden(t, "resolved", func(t *testing.T, g golden) {
		for _, text := range []string{g.document, g.want} {
			doc, ok := asJSON(text)
			if !ok {
				t.Fatalf("no YAML:\n%s", text)
			}
			if err := s.Validate(doc); err != nil {
				t.Errorf("%v\nin\n%s", err, text)
			}
		}
	})
}

// structural are the beginnings of problems that a schema can see as well;
// the others need to know what a value means.
var structural = []string{"unknown key", "not built yet", "must be a mapping", "must be a list", "must be a single value"}

// units are the ends of verdicts on a value by itself.
var units = []string{"is no duration", "is no size", "is no share", "is no whole number", "neither true nor false", "neither on nor off", "is not allowed here", "is no protocol"}

func schemaSees(p Problem) bool {
	return slices.ContainsFunc(structural, func(s string) bool { return strings.HasPrefix(p.What, s) }) ||
		slices.ContainsFunc(units, func(s string) bool { return strings.Contains(p.What, s) })
}

// TestSchemaFailsWhereTheDecoderFails compares the two place by place: what
// the schema can see it reports at the decoder's path, and it never complains
// where the decoder does not.
func TestSchemaFailsWhereTheDecoderFails(t *testing.T) {
	s, compared := schema(t), 0
	eachGolden(t, "problems", func(t *testing.T, g golden) {
		doc, ok := asJSON(g.document)
		if !ok || strings.Contains(g.document, "<<:") {
			t.Skip("an editor's YAML parser gives up here itself")
		}
		_, problems := Parse(Document{"f", []byte(g.document)}, testEnv())
		found := wrongPlaces(s, doc)
		for _, p := range problems {
			if !schemaSees(p) {
				continue
			}
			compared++
			// An unknown key is reported at the object that holds it.
			if !slices.Contains(found, p.Path) && !slices.Contains(found, parent(p.Path)) {
				t.Errorf("the schema takes what the decoder refuses: %v", p)
			}
		}
		for _, path := range found {
			if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == path || parent(p.Path) == path }) {
				t.Errorf("the schema refuses %q, which the decoder takes", path)
			}
		}
	})
	if compared < 20 {
		t.Errorf("only %d problems were compared", compared)
	}
}
