package admin

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The rest of these tests posts over the socket, which needs no token.
func (r *rig) post(target, body string, headers ...string) (status int, tag string) {
	w := ask(r.Handler(true), "POST", target, body, headers...)
	return w.Code, w.Header().Get("ETag")
}

const changed = "listeners: [{address: \"127.0.0.1:8080\"}]\nclusters: [{name: api, endpoints: [\"127.0.0.1:9001\"]}]\n"

func TestDocumentIsReadWithoutItsSecrets(t *testing.T) {
	w := newRig().ask("GET", "/api/v1/config", "")
	if w.Code != 200 || w.Header().Get("ETag") != `"v0"` || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	if text := w.Body.String(); strings.Contains(text, token) || !strings.Contains(text, "<secret>") || !strings.Contains(text, "127.0.0.1:9002") {
		t.Errorf("document:\n%s", text)
	}
}

func TestDocumentIsAppliedOrNot(t *testing.T) {
	for _, tt := range []struct {
		name, query, body string
		headers           []string
		fails             error
		status            int
		tag               string
		applied           bool
	}{
		{"a valid one is applied", "", changed, nil, nil, 204, `"v1"`, true},
		{"a dry run only validates", "?dry_run=true", changed, nil, nil, 204, `"v0"`, false},
		{"1 is true as well", "?dry_run=1", changed, nil, nil, 204, `"v0"`, false},
		{"false is no dry run", "?dry_run=false", changed, nil, nil, 204, `"v1"`, true},
		{"a dry run that is neither true nor false changes nothing", "?dry_run=yes", changed, nil, nil, 400, "", false},
		{"a mistyped parameter changes nothing", "?dryrun=true", changed, nil, nil, 400, "", false},
		{"a wrong one changes nothing", "", "clusters: 5", nil, nil, 422, "", false},
		{"a wrong one fails a dry run", "?dry_run=true", "clusters: 5", nil, nil, 422, "", false},
		{"an empty one changes nothing", "", "", nil, nil, 422, "", false},
		{"the tag in force matches", "", changed, []string{`If-Match: "v0"`}, nil, 204, `"v1"`, true},
		{"one of two tags matches", "", changed, []string{`If-Match: "v7", "v0"`}, nil, 204, `"v1"`, true},
		{"a star matches", "", changed, []string{"If-Match: *"}, nil, 204, `"v1"`, true},
		{"a stale tag changes nothing", "", changed, []string{`If-Match: "v7"`}, nil, 412, `"v0"`, false},
		{"a stale tag fails a dry run", "?dry_run=true", changed, []string{`If-Match: "v7"`}, nil, 412, `"v0"`, false},
		{"a weak tag never matches", "", changed, []string{`If-Match: W/"v0"`}, nil, 412, `"v0"`, false},
		{"a tag without quotes is none", "", changed, []string{"If-Match: v0"}, nil, 400, "", false},
		{"half a quote is none", "", changed, []string{`If-Match: "`}, nil, 400, "", false},
		{"one that cannot be put in force is a conflict", "", changed, nil, errInjected, 409, "", false},
		{"one that is too large", "", "# " + strings.Repeat("x", 4<<20), nil, nil, 413, "", false},
		{"a Content-Type of curl's is passed over", "", changed, []string{"Content-Type: application/x-www-form-urlencoded"}, nil, 204, `"v1"`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			r.config.fails = tt.fails
			status, tag := r.post("/api/v1/config"+tt.query, tt.body, tt.headers...)
			if status != tt.status || tag != tt.tag {
				t.Errorf("status %d, ETag %s; want %d, %s", status, tag, tt.status, tt.tag)
			}
			if got := r.config.applied > 0; got != tt.applied || got != (r.config.text == changed) {
				t.Errorf("applied %t; want %t", got, tt.applied)
			}
		})
	}
}

func TestProblemsOfADocumentHaveTheirPlaces(t *testing.T) {
	w := ask(newRig().Handler(true), "POST", "/api/v1/config", "listeners: [{address: \"127.0.0.1:1\"}]\nclusters:\n  - name: web\n    polcy: random\n")
	p := problemOf(t, w)
	if w.Code != 422 || len(p.Errors) != 2 || !strings.Contains(p.Detail, "2 problems") {
		t.Fatalf("status %d, problem %+v", w.Code, p)
	}
	for _, e := range p.Errors {
		if e.Path == "clusters[0].polcy" && e.Line == 4 && e.Column == 5 && strings.Contains(e.Detail, "api:4:5") && strings.Contains(e.Detail, "did you mean policy?") {
			return
		}
	}
	t.Errorf("errors %+v", p.Errors)
}

func TestReload(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		fails      error
		status     int
	}{
		{"the file is in force", changed, nil, 204},
		{"a wrong file changes nothing", "clusters: 5", nil, 422},
		{"without a file it is a conflict", changed, errInjected, 409},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig()
			r.config.file, r.config.fails = tt.file, tt.fails
			if w := r.ask("POST", "/api/v1/reload", ""); w.Code != tt.status {
				t.Errorf("status %d, %s; want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

// Of callers that all read the same document, one may replace it.
func TestOneOfManyWithTheSameTagWins(t *testing.T) {
	r := newRig()
	h := r.Handler(true)
	var won, stale atomic.Int32
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			switch w := ask(h, "POST", "/api/v1/config", changed, `If-Match: "v0"`); w.Code {
			case http.StatusNoContent:
				won.Add(1)
			case http.StatusPreconditionFailed:
				stale.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || stale.Load() != 15 {
		t.Errorf("%d won and %d were stale; want 1 and 15", won.Load(), stale.Load())
	}
}
