package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
)

// postman is what we use of a collection of version 2.1. What is none of it
// does not decode.
type postman struct {
	Info     struct{ Name, Description, Schema string }
	Auth     postmanAuth
	Variable []postmanPair
	Item     []postmanItem
}

type postmanItem struct {
	Name     string
	Item     []postmanItem // of a folder
	Request  *postmanRequest
	Response []any
}

type postmanRequest struct {
	Method      string
	Description string
	Header      []postmanPair
	Auth        *postmanAuth
	Body        *struct {
		Mode, Raw string
		Options   any
	}
	URL struct {
		Raw             string
		Host, Path      []string
		Query, Variable []postmanPair
	}
}

type postmanAuth struct {
	Type   string
	Bearer []postmanPair
}

type postmanPair struct{ Key, Value, Type, Description string }

func pairsOf(all []postmanPair) map[string]string {
	m := map[string]string{}
	for _, p := range all {
		m[p.Key] = p.Value
	}
	return m
}

func loadPostman(t *testing.T) *postman {
	t.Helper()
	text, err := os.ReadFile("../../docs/api/poise.postman_collection.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &postman{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *postman) requests(t *testing.T) (all []postmanItem) {
	t.Helper()
	var walk func([]postmanItem)
	walk = func(items []postmanItem) {
		for _, i := range items {
			if i.Name == "" || (i.Request == nil) == (i.Item == nil) {
				t.Errorf("item %q must have a name, and either a request or items", i.Name)
			}
			if i.Request != nil {
				all = append(all, i)
			}
			walk(i.Item)
		}
	}
	walk(p.Item)
	return all
}

func TestPostmanCollectionIsOne(t *testing.T) {
	p := loadPostman(t)
	if p.Info.Schema != "https://schema.getpostman.com/json/collection/v2.1.0/collection.json" || p.Info.Name == "" {
		t.Errorf("info %+v", p.Info)
	}
	if p.Auth.Type != "bearer" || len(p.Auth.Bearer) != 1 || p.Auth.Bearer[0] != (postmanPair{Key: "token", Value: "{{token}}", Type: "string"}) {
		t.Errorf("auth %+v", p.Auth)
	}
	variables := pairsOf(p.Variable)
	for _, i := range p.requests(t) {
		r := i.Request
		path := "/" + strings.Join(r.URL.Path, "/")
		raw := strings.Join(r.URL.Host, ".") + path
		for n, q := range r.URL.Query {
			raw += []string{"?", "&"}[min(n, 1)] + q.Key + "=" + q.Value
		}
		if raw != r.URL.Raw || !slices.Equal(r.URL.Host, []string{"{{baseUrl}}"}) {
			t.Errorf("%s: raw %q; its parts are %q", i.Name, r.URL.Raw, raw)
		}
		var named []string
		for _, segment := range r.URL.Path {
			if name, ok := strings.CutPrefix(segment, ":"); ok {
				named = append(named, name)
			}
		}
		var given []string
		for _, v := range r.URL.Variable {
			given = append(given, v.Key)
		}
		if !slices.Equal(named, given) {
			t.Errorf("%s: the path names %q and the variables are %q", i.Name, named, given)
		}
		if text, err := json.Marshal(r); err != nil || strings.Contains(substitute(string(text), variables), "{{") {
			t.Errorf("%s uses a variable that the collection does not declare", i.Name)
		}
		if r.Body != nil && r.Body.Mode != "raw" {
			t.Errorf("%s: mode %q", i.Name, r.Body.Mode)
		}
	}
}

func substitute(text string, variables map[string]string) string {
	for name, value := range variables {
		text = strings.ReplaceAll(text, "{{"+name+"}}", value)
	}
	return text
}

// operation is the request's in the words of openapi.yaml.
func (r *postmanRequest) operation() string {
	path := ""
	for _, segment := range r.URL.Path {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			segment = "{" + name + "}"
		}
		path += "/" + segment
	}
	return r.Method + " " + path
}

func TestPostmanHasOneRequestForEveryOperation(t *testing.T) {
	d := loadOpenAPI(t)
	operations := d.operations(t)
	missing := d.operations(t)
	for _, i := range loadPostman(t).requests(t) {
		name := i.Request.operation()
		if missing[name] == nil {
			t.Errorf("%s: %s is not in openapi.yaml, or there twice", i.Name, name)
			continue
		}
		delete(missing, name)
		o := operations[name]
		known := map[string]bool{"header Content-Type": o.spec["requestBody"] != nil}
		for _, p := range o.parameters {
			known[p["in"].(string)+" "+p["name"].(string)] = true
		}
		for kind, pairs := range map[string][]postmanPair{"query": i.Request.URL.Query, "header": i.Request.Header, "path": i.Request.URL.Variable} {
			for _, p := range pairs {
				if !known[kind+" "+p.Key] {
					t.Errorf("%s: openapi.yaml does not know the %s %s", i.Name, kind, p.Key)
				}
			}
		}
		if (i.Request.Body != nil) != (o.spec["requestBody"] != nil) {
			t.Errorf("%s: a body: %t, as in openapi.yaml: %t", i.Name, i.Request.Body != nil, o.spec["requestBody"] != nil)
		}
		if s := d.body(t, o); s != nil && i.Request.Body != nil {
			if err := validJSON(s, i.Request.Body.Raw); err != nil {
				t.Errorf("%s: body: %v", i.Name, err)
			}
		}
	}
	for name := range missing {
		t.Errorf("the collection lacks %s", name)
	}
}

// Every request of the collection, as it stands, is answered: with what was
// asked for, or with 501 where openapi.yaml says so.
func TestPostmanRequestsAreAnswered(t *testing.T) {
	p := loadPostman(t)
	operations := loadOpenAPI(t).operations(t)
	variables := pairsOf(p.Variable)
	variables["baseUrl"], variables["token"] = "", token
	for _, i := range p.requests(t) {
		r := i.Request
		target := substitute(r.URL.Raw, variables)
		for _, v := range r.URL.Variable {
			target = strings.Replace(target, ":"+v.Key, url.PathEscape(substitute(v.Value, variables)), 1)
		}
		var headers []string
		for _, h := range r.Header {
			headers = append(headers, h.Key+": "+h.Value)
		}
		if r.Auth == nil {
			headers = append(headers, "Authorization: Bearer "+substitute(p.Auth.Bearer[0].Value, variables))
		} else if r.Auth.Type != "noauth" {
			t.Errorf("%s: auth %+v", i.Name, r.Auth)
		}
		body := ""
		if r.Body != nil {
			body = r.Body.Raw
		}
		h := newRig(withToken).Handler(false)
		w := ask(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			gone, leave := context.WithCancel(q.Context()) // so that the stream ends
			leave()
			h.ServeHTTP(w, q.WithContext(gone))
		}), r.Method, target, body, headers...)
		_, later := operations[r.operation()].spec["responses"].(map[string]any)["501"]
		if later && w.Code != 501 || !later && w.Code/100 != 2 {
			t.Errorf("%s: %s %s: status %d, %s", i.Name, r.Method, target, w.Code, w.Body)
		}
	}
}
