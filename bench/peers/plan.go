package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"poise/bench/rig"
)

// A size says how much is measured.
type size struct {
	proxies []string
	parts   []string
	cores   []int // that the proxy is given
	rounds  int
	seconds int      // of a round
	open    []string // cases that are also measured at a rate, on the first of cores
}

var (
	matrix = caseNames()
	sizes  = map[string]size{
		"quick": {
			proxies: []string{"nginx", "haproxy", "caddy-new", "poise"},
			parts:   []string{rig.SmallGet, rig.Get64K, rig.NewConnection},
			cores:   []int{1}, rounds: 6, seconds: 1, open: []string{rig.SmallGet},
		},
		"full": {
			proxies: rig.All,
			parts:   partNames(),
			cores:   []int{1, 2}, rounds: 7, seconds: 2, open: matrix,
		},
	}
)

// A part is what can be run by itself.
type part struct {
	name  string
	cells func(*size) int // how many measurements it takes
	run   func(context.Context, *runner) error
}

func caseNames() (names []string) {
	for _, c := range rig.Cases {
		names = append(names, c.Name)
	}
	return names
}

func partNames() (names []string) {
	for _, p := range allParts() {
		names = append(names, p.name)
	}
	return names
}

func allParts() (all []part) {
	for _, c := range rig.Cases {
		all = append(all, part{
			c.Name,
			func(s *size) int { return s.cellsOf(c) },
			func(ctx context.Context, r *runner) error { return r.matrix(ctx, c) },
		})
	}
	return append(all, part{idleName, idleCells, idleRun}, part{addedName, addedCells, addedRun},
		part{endpointsName, endpointsCells, endpointsRun}, part{connectionsName, connectionsCells, connectionsRun})
}

// cellsOf counts the cells of a case.
func (s *size) cellsOf(c rig.Case) (n int) {
	for i := range s.cores {
		n += s.cellsIn(s.phases(c, i))
	}
	return n
}

// phases are how a case is measured on the i-th number of cores.
func (s *size) phases(c rig.Case, i int) []string {
	if i == 0 && slices.Contains(s.open, c.Name) {
		return []string{peak, rate}
	}
	return []string{peak}
}

func (s *size) cellsIn(phases []string) int {
	n := len(phases) * len(s.proxies)
	if slices.Contains(phases, rate) {
		n++ // straight
	}
	return n * s.rounds
}

// choose returns the parts of a size, or those that were asked for.
func choose(s size, only string) (chosen []part, err error) {
	names := s.parts
	if only != "" {
		names = strings.Split(only, ",")
	}
	all := allParts()
	for _, n := range names {
		i := slices.IndexFunc(all, func(p part) bool { return p.name == n })
		if i < 0 {
			return nil, fmt.Errorf("no case %q; there are %s", n, strings.Join(partNames(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
