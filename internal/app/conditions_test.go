package app

import (
	"slices"
	"testing"

	"poise/internal/config"
	"poise/internal/decide"
)

// What a rule may ask for is named in the configuration and measured in
// decide, which do not know each other.
func TestRulesKnowEveryCondition(t *testing.T) {
	var measured []string
	for _, d := range decide.Conditions {
		measured = append(measured, d.Name)
	}
	written := config.Conditions()
	slices.Sort(measured)
	slices.Sort(written)
	if !slices.Equal(written, measured) {
		t.Errorf("rules may name %q; decide measures %q", written, measured)
	}
}
