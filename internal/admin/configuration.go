package admin

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"poise/internal/config"
)

func (a *API) getConfig(w http.ResponseWriter, _ *http.Request) {
	text, tag := a.options.Config.Document()
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("ETag", tag)
	_, _ = w.Write(text)
}

// postConfig validates a document and applies it whole, or not at all.
func (a *API) postConfig(w http.ResponseWriter, r *http.Request) {
	if !onlyQuery(w, r, "dry_run") {
		return
	}
	dry := false
	if text := r.URL.Query().Get("dry_run"); text != "" {
		var err error
		if dry, err = strconv.ParseBool(text); err != nil {
			problem(w, http.StatusBadRequest, "dry_run must be true or false, not "+clip(text))
			return
		}
	}
	tags, err := matching(r.Header.Values("If-Match"))
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	text, ok := readBody(w, r, config.MostText)
	if !ok {
		return
	}
	problems, err := a.options.Config.Apply(text, dry, tags...)
	a.applied(w, problems, err)
}

// matching reads If-Match (RFC 9110, 13.1.1): no tags for a field that is not
// there and for *, which any document matches. A weak tag matches none.
func matching(lines []string) (tags []string, err error) {
	text := strings.TrimSpace(strings.Join(lines, ","))
	if text == "" || text == "*" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		tag := strings.TrimSpace(part)
		quoted := strings.TrimPrefix(tag, "W/")
		if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
			return nil, errors.New("If-Match must be * or tags in quotes, as the ETag of GET /api/v1/config, not " + clip(tag))
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

func (a *API) reload(w http.ResponseWriter, _ *http.Request) {
	problems, err := a.options.Config.Reload()
	a.applied(w, problems, err)
}

func (a *API) applied(w http.ResponseWriter, problems config.Problems, err error) {
	_, tag := a.options.Config.Document()
	switch {
	case len(problems) > 0:
		configProblems(w, problems)
	case errors.Is(err, ErrStale):
		w.Header().Set("ETag", tag)
		problem(w, http.StatusPreconditionFailed, ErrStale.Error()+"; read it again (its ETag is now "+tag+")")
	case err != nil:
		problem(w, http.StatusConflict, err.Error())
	default:
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNoContent)
	}
}
