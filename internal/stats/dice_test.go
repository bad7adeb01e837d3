package stats

import "testing"

func TestIntNIsEvenAndWithinBounds(t *testing.T) {
	dice := NewDice(1)
	const n, rolls = 7, 70_000
	var counts [n]int
	for range rolls {
		counts[dice.IntN(n)]++
	}
	for face, got := range counts {
		if got < rolls/n-400 || got > rolls/n+400 { // over 4 standard deviations
			t.Errorf("face %d came %d times of %d; want about %d", face, got, rolls, rolls/n)
		}
	}
}

func TestEqualSeedsRollTheSame(t *testing.T) {
	a, b, c := NewDice(5), NewDice(5), NewDice(6)
	same := 0
	for range 100 {
		x := a.Uint64()
		if x != b.Uint64() {
			t.Fatal("one seed, two sequences")
		}
		if x == c.Uint64() {
			same++
		}
	}
	if same > 0 {
		t.Errorf("another seed rolled the same %d times", same)
	}
}
