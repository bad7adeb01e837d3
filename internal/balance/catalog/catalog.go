// Package catalog lists every policy by its name. It stands on a floor of its
// own, above the policies and below everybody who builds one by name.
package catalog

import (
	"poise/internal/balance"
	"poise/internal/balance/boundedhash"
	"poise/internal/balance/expecteddelay"
	"poise/internal/balance/hotcold"
	"poise/internal/balance/leastrequest"
	"poise/internal/balance/maglev"
	"poise/internal/balance/p2c"
	"poise/internal/balance/peakewma"
	"poise/internal/balance/random"
	"poise/internal/balance/ringhash"
	"poise/internal/balance/roundrobin"
)

// Builders returns the policies by the names of lb.Policies.
func Builders() map[string]balance.Builder {
	return map[string]balance.Builder{
		"round-robin":    roundrobin.New,
		"random":         random.New,
		"least-request":  leastrequest.New,
		"p2c":            p2c.New,
		"peak-ewma":      peakewma.New,
		"hot-cold":       hotcold.New,
		"expected-delay": expecteddelay.New,
		"bounded-hash":   boundedhash.New,
		"ring-hash":      ringhash.New,
		"maglev":         maglev.New,
	}
}
