package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"poise/internal/cluster"
	"poise/internal/lb"
	"poise/internal/whatif"
)

// whatifTime is how long a question may wait for the engine and its answer.
const whatifTime = 8 * time.Second

// mostAddresses bounds the addresses that a question names.
const mostAddresses = 1000

func (a *API) whatif(w http.ResponseWriter, r *http.Request, c *cluster.Cluster) {
	var words whatif.Words
	if !readJSON(w, r, &words) {
		return
	}
	if len(words.Without)+len(words.Add)+len(words.Slow) > mostAddresses {
		problem(w, http.StatusUnprocessableEntity, "a question names at most 1000 addresses")
		return
	}
	if words.Policy == "least-connections" {
		words.Policy = "least-request"
	}
	q, err := whatif.Parse(&words)
	if err == nil && q.Policy != "" && !slices.Contains(lb.Policies, q.Policy) {
		err = whatif.Wrong("there is no policy " + clip(q.Policy) + " that picks" + hint(q.Policy, lb.Policies))
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), whatifTime)
	defer cancel()
	answer, err := a.options.Balancer.WhatIf(ctx, c.Name(), q)
	if err != nil {
		unanswered(w, err)
		return
	}
	writeJSON(w, answer)
}

// unanswered says why there is no forecast. There is no figure in it that could
// be taken for one.
func unanswered(w http.ResponseWriter, err error) {
	if wrong, is := errors.AsType[whatif.Wrong](err); is {
		problem(w, http.StatusUnprocessableEntity, wrong.Error())
		return
	}
	if unknown, is := errors.AsType[whatif.Unknown](err); is {
		problem(w, http.StatusNotFound, unknown.Error())
		return
	}
	if refusal, is := errors.AsType[whatif.Refusal](err); is {
		problem(w, http.StatusConflict, "cannot be answered: "+refusal.Error())
		return
	}
	w.Header().Set("Retry-After", "1")
	problem(w, http.StatusServiceUnavailable, err.Error())
}
