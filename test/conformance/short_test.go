package conformance

import (
	"context"
	"strings"
	"testing"

	"poise/bench/rig"
)

// TestShort plays Poise alone: a tenth of the cases of every family, and the
// scenarios. make conformance plays all, at other proxies too.
func TestShort(t *testing.T) {
	dir := t.TempDir()
	bin, err := rig.Build(context.Background(), dir, "poise/cmd/poise")
	if err != nil {
		t.Fatal(err)
	}
	var some []Case
	inFamily := map[string]int{}
	for _, c := range Cases() {
		family, _, _ := strings.Cut(c.Name, "/")
		if inFamily[family]%10 == 0 {
			some = append(some, c)
		}
		inFamily[family]++
	}
	verdicts, err := Play(t.Context(), Poise(bin, "here"), dir, some)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cases", len(some))
	for i, v := range verdicts {
		if !v.Met {
			t.Errorf("%s [%s %d]: %s\n%s", some[i].Name, v.Outcome, v.Status, v.Why, v.Detail)
		}
	}
	for _, failed := range Scenarios(t.Context(), bin, dir) {
		t.Error(failed)
	}
}
