package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

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
	p := Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf("the document has %d problems; nothing was changed", len(problems))}
	for _, e := range problems {
		p.Errors = append(p.Errors, ConfigError{Line: e.Line, Column: e.Col, Path: e.Path, Detail: e.Error()})
	}
	writeProblem(w, p)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v)
}

// mostBody bounds what a call may send, in bytes; a configuration document is
// the largest.
const mostBody = 4 << 20

// readJSON reads a call's body into v, strictly. It answers by itself when
// the body is no good.
func readJSON(w http.ResponseWriter, r *http.Request, v any) bool {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "send the body as Content-Type: application/json")
		return false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		problem(w, http.StatusBadRequest, "the body is not what this call takes: "+err.Error())
		return false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		problem(w, http.StatusBadRequest, "the body holds more than one JSON value")
		return false
	}
	return true
}
