package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"poise/internal/config"
)

// Problem is an answer of RFC 9457.
type Problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail"`
	Errors []ConfigError `json:"errors,omitempty"`
}

// ConfigError is one thing that is wrong with a document.
type ConfigError struct {
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Path   string `json:"path"`
	Detail string `json:"detail"`
}

func problem(w http.ResponseWriter, status int, detail string) {
	writeProblem(w, Problem{Status: status, Detail: detail})
}

func writeProblem(w http.ResponseWriter, p Problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

func configProblems(w http.ResponseWriter, problems config.Problems) {
	p := Problem{Status: http.StatusUnprocessableEntity, Detail: "the document has one problem; nothing was changed"}
	if len(problems) > 1 {
		p.Detail = fmt.Sprintf("the document has %d problems; nothing was changed", len(problems))
	}
	for _, e := range problems {
		p.Errors = append(p.Errors, ConfigError{Line: e.Line, Column: e.Col, Path: e.Path, Detail: e.Error()})
	}
	writeProblem(w, p)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// mostJSON bounds what a call may send as JSON, in bytes.
const mostJSON = 64 << 10

// readBody reads a call's body of at most so many bytes. It answers by itself
// when it cannot.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, bool) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body of this call has at most %d KiB", most>>10))
		return nil, false
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the body could not be read: "+err.Error())
		return nil, false
	}
	return text, true
}

// readJSON reads a call's body into v, strictly. It answers by itself when
// the body is no good.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "send the body as Content-Type: application/json")
		return false
	}
	text, ok := readBody(w, r, mostJSON)
	if !ok {
		return false
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the body is not what this call takes: "+strings.TrimPrefix(err.Error(), "json: "))
		return false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "the body holds more than one JSON value")
		return false
	}
	return true
}

// onlyQuery refuses query parameters that a call does not know: one that is
// mistyped would be passed over, and the call do something else.
func onlyQuery(w http.ResponseWriter, r *http.Request, known ...string) bool {
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) {
			problem(w, http.StatusBadRequest, "this call takes no parameter "+clip(name)+hint(name, known))
			return false
		}
	}
	return true
}

// hint says what a wrong word was probably meant to be, in brackets.
func hint(wrong string, known []string) string {
	if s := config.Suggestion(wrong, known); s != "" {
		return " (" + s + ")"
	}
	return ""
}
