package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"poise/internal/lb"
)

// openAPI is docs/api/openapi.yaml, and its schemas.
type openAPI struct {
	root     map[string]any
	compiler *jsonschema.Compiler
}

// operation is a method of a path in it.
type operation struct {
	method, path string
	spec         map[string]any
	parameters   []map[string]any
}

func (o *operation) String() string { return o.method + " " + o.path }

func loadOpenAPI(t *testing.T) *openAPI {
	t.Helper()
	text, err := os.ReadFile("../../docs/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := yaml.Load(text, &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	d := &openAPI{root: doc.(map[string]any), compiler: jsonschema.NewCompiler()}
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// at follows names through the document; every $ref on the way is resolved.
func (d *openAPI) at(t *testing.T, v any, names ...string) map[string]any {
	t.Helper()
	m, _ := v.(map[string]any)
	for i := 0; ; i++ {
		for m["$ref"] != nil {
			m = d.at(t, d.root, strings.Split(strings.TrimPrefix(m["$ref"].(string), "#/"), "/")...)
		}
		if i == len(names) {
			return m
		}
		next, ok := m[names[i]].(map[string]any)
		if !ok {
			t.Fatalf("openapi.yaml has no %s", strings.Join(names, " "))
		}
		m = next
	}
}

func (d *openAPI) operations(t *testing.T) map[string]*operation {
	t.Helper()
	all := map[string]*operation{}
	for path, item := range d.at(t, d.root, "paths") {
		for method, spec := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			o := &operation{method: strings.ToUpper(method), path: path, spec: spec.(map[string]any)}
			for _, holder := range []any{item, spec} {
				list, _ := holder.(map[string]any)["parameters"].([]any)
				for _, p := range list {
					o.parameters = append(o.parameters, d.at(t, p))
				}
			}
			all[o.String()] = o
		}
	}
	return all
}

// schema compiles the schema at a place of the document.
func (d *openAPI) schema(t *testing.T, names ...string) *jsonschema.Schema {
	t.Helper()
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B")
	pointer := "#"
	for _, n := range names {
		pointer += "/" + escape.Replace(n)
	}
	s, err := d.compiler.Compile("openapi.json" + pointer)
	if err != nil {
		t.Fatalf("%s: %v", pointer, err)
	}
	return s
}

// body returns the schema of an operation's JSON body, nil when it takes none.
func (d *openAPI) body(t *testing.T, o *operation) *jsonschema.Schema {
	t.Helper()
	if o.spec["requestBody"] == nil || d.at(t, o.spec, "requestBody", "content")["application/json"] == nil {
		return nil
	}
	return d.schema(t, "paths", o.path, strings.ToLower(o.method), "requestBody", "content", "application/json", "schema")
}

func validJSON(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestOpenAPIListsTheCallsOfTheServer(t *testing.T) {
	documented := loadOpenAPI(t).operations(t)
	for _, c := range newRig().calls() {
		name := c.method + " " + strings.TrimSuffix(c.path, "{$}")
		if documented[name] == nil {
			t.Errorf("openapi.yaml lacks %s, which the server answers", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("openapi.yaml has %s, which the server does not answer", name)
	}
}

var inBraces = regexp.MustCompile(`\{([a-z]+)\}`)

func TestOpenAPIIsWhole(t *testing.T) {
	d := loadOpenAPI(t)
	if d.root["openapi"] != "3.1.0" {
		t.Errorf("openapi: %v", d.root["openapi"])
	}
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range d.root["tags"].([]any) {
		tags[tag.(map[string]any)["name"].(string)] = true
	}
	for name, o := range d.operations(t) {
		id, _ := o.spec["operationId"].(string)
		if id == "" || ids[id] {
			t.Errorf("%s: operationId %q is empty or there twice", name, id)
		}
		ids[id] = true
		for _, tag := range o.spec["tags"].([]any) {
			if !tags[tag.(string)] {
				t.Errorf("%s: tag %s is not declared", name, tag)
			}
		}
		if o.spec["summary"] == nil {
			t.Errorf("%s has no summary", name)
		}
		var want, got []string
		for _, m := range inBraces.FindAllStringSubmatch(o.path, -1) {
			want = append(want, m[1])
		}
		for _, p := range o.parameters {
			if p["in"] == "path" {
				got = append(got, p["name"].(string))
			}
		}
		if !slices.Equal(want, got) {
			t.Errorf("%s: the path has %q and the parameters are %q", name, want, got)
		}
		for status := range d.at(t, o.spec, "responses") {
			if d.at(t, o.spec, "responses", status)["description"] == nil {
				t.Errorf("%s: %s has no description", name, status)
			}
		}
		d.checkExample(t, o)
	}
	for name := range d.at(t, d.root, "components", "schemas") {
		d.schema(t, "components", "schemas", name)
	}
	d.checkReferences(t)
}

// checkExample holds the example of a body against its schema.
func (d *openAPI) checkExample(t *testing.T, o *operation) {
	t.Helper()
	if s := d.body(t, o); s != nil {
		if err := s.Validate(d.at(t, o.spec, "requestBody", "content", "application/json")["example"]); err != nil {
			t.Errorf("%s: the example: %v", o, err)
		}
	}
}

// checkReferences finds components that nobody refers to, and references to
// what is not there.
func (d *openAPI) checkReferences(t *testing.T) {
	t.Helper()
	used := map[string]bool{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				d.at(t, v)
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(d.root)
	for _, kind := range []string{"parameters", "headers", "responses", "schemas"} {
		for name := range d.at(t, d.root, "components", kind) {
			if !used["#/components/"+kind+"/"+name] {
				t.Errorf("nobody refers to components/%s/%s", kind, name)
			}
		}
	}
}

func TestOpenAPINamesThePolicies(t *testing.T) {
	d := loadOpenAPI(t)
	var got []string
	for _, p := range d.at(t, d.root, "components", "schemas", "Policy")["enum"].([]any) {
		got = append(got, p.(string))
	}
	if !slices.Equal(got, lb.Policies) {
		t.Errorf("openapi.yaml has %q; the policies are %q", got, lb.Policies)
	}
	s := d.schema(t, "components", "schemas", "PolicyChange")
	for _, p := range append(slices.Clone(lb.Policies), lb.Adaptive, "least-connections", "best", "") {
		r := newRig()
		body := fmt.Sprintf(`{"policy":%q}`, p)
		accepted := r.ask("PUT", "/api/v1/clusters/web/policy", body).Code == 200
		if valid := validJSON(s, body) == nil; valid != accepted {
			t.Errorf("policy %q: valid %t, accepted %t", p, valid, accepted)
		}
	}
}

// What the stream sends is what the document says of it.
func TestStateEventIsAStatus(t *testing.T) {
	d, r := loadOpenAPI(t), newRig()
	l, err := r.stream.join(0)
	if err != nil {
		t.Fatal(err)
	}
	r.stream.publish("state", r.status())
	if err := validJSON(d.schema(t, "components", "schemas", "Status"), string((<-l).data)); err != nil {
		t.Error(err)
	}
}

// A schema that lets everything pass would make every test above pass.
func TestSchemasRefuseWhatTheServerNeverSends(t *testing.T) {
	d := loadOpenAPI(t)
	for name, texts := range map[string][]string{
		"Cluster":     {`{}`, `{"name":"web"}`},
		"Status":      {`{"now":"yesterday","clusters":[],"configuration":{"from":"flags","tag":"\"a\""}}`, `{"clusters":[]}`},
		"Source":      {`{"from":"api","tag":"without quotes"}`},
		"Problem":     {`{"type":"about:blank","title":"OK","status":200,"detail":"x"}`, `{"type":"about:blank","title":"x","status":404,"detail":"x","more":1}`},
		"Explanation": {`{"cluster":"web"}`},
		"Share":       {`1.5`, `-0.1`},
		"StateChange": {`{"state":"off"}`, `{}`, `{"state":"drain","for":"1h"}`},
	} {
		for _, text := range texts {
			if validJSON(d.schema(t, "components", "schemas", name), text) == nil {
				t.Errorf("%s lets %s pass", name, text)
			}
		}
	}
	if n := len(slices.Collect(maps.Keys(d.operations(t)))); n < 20 {
		t.Errorf("%d operations were found", n)
	}
}
