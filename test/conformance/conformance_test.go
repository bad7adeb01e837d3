package conformance

import (
	"strings"
	"testing"
)

func TestThereAreEnoughCasesAndNoneTwice(t *testing.T) {
	counts, seen, sent := map[Group]int{}, map[string]bool{}, map[string]string{}
	for _, c := range Cases() {
		counts[c.Group]++
		if seen[c.Name] {
			t.Errorf("two cases are called %q", c.Name)
		}
		seen[c.Name] = true
		if c.Group == InPieces {
			continue
		}
		key := string(c.Group) + quoteAll(c.Send) + "|" + quoteAll(c.Answer)
		if other := sent[key]; other != "" {
			t.Errorf("%q and %q say the same", other, c.Name)
		}
		sent[key] = c.Name
	}
	odd := counts[OddRequest] + counts[OddAnswer]
	all := Figures{Hostile: counts[BadRequest] + counts[BadAnswer], Odd: odd, Forwarded: odd}
	if why := all.Short(); why != "" {
		t.Error(why)
	}
}

func quoteAll(steps []Step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.Bytes)
		b.WriteByte('|')
		b.WriteByte(byte(s.End))
		b.WriteString(s.Pause.String())
		b.WriteByte(byte(s.Await))
	}
	return b.String()
}

func TestEveryRequirementHasACaseOrAReason(t *testing.T) {
	cases := Cases()
	known := map[string]bool{}
	for _, r := range Requirements(cases) {
		if known[r.ID] {
			t.Errorf("%s is listed twice", r.ID)
		}
		known[r.ID] = true
		if r.Level != "MUST" && r.Level != "MUST NOT" || r.Binds == "" || r.Text == "" {
			t.Errorf("%s is not written as the list says: %+v", r.ID, r)
		}
		if (r.Cases > 0) == (r.Uncovered != "") {
			t.Errorf("%s has %d cases and the reason %q; want one of both", r.ID, r.Cases, r.Uncovered)
		}
	}
	for i := range cases {
		for id := range strings.FieldsSeq(cases[i].IDs) {
			if !known[id] {
				t.Errorf("%s shows %s, which is not listed", cases[i].Name, id)
			}
		}
	}
}
