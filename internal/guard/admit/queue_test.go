package admit

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"poise/internal/stats"
)

// line is a queue with waiters that note what they are told.
type line struct {
	Queue
	now  stats.Instant
	told map[int]Verdict
	of   map[int]*Waiter
	n    int
}

func newLine(most int, timeout time.Duration) *line {
	l := &line{now: 1, told: map[int]Verdict{}, of: map[int]*Waiter{}}
	l.Configure(QueueOptions{Most: most, Timeout: timeout})
	return l
}

func (l *line) push(p Priority) bool {
	l.n++
	id := l.n
	w := &Waiter{Priority: p, Wake: func(v Verdict) { l.told[id] = v }}
	l.of[id] = w
	return l.Push(w, l.now)
}

// order wakes all and returns in which order they went.
func (l *line) order() (ids []int) {
	for range l.n {
		before := len(l.told)
		l.Next(l.now)
		if len(l.told) == before {
			break
		}
		for id := range l.told {
			if !slices.Contains(ids, id) && l.told[id] == Go {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

func TestQueueIsFirstInFirstOutUntilItIsOverloaded(t *testing.T) {
	l := newLine(10, time.Second)
	for range 3 {
		l.push(Normal)
		l.now = l.now.Add(time.Millisecond)
	}
	if got := l.order(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("went in the order %v; want the oldest first", got)
	}
}

func TestNewestGoesFirstUnderOverload(t *testing.T) {
	l := newLine(10, time.Second)
	l.push(Normal)
	l.now = l.now.Add(100 * time.Millisecond)
	for range 3 {
		l.push(Normal)
		l.now = l.now.Add(time.Millisecond)
	}
	if !l.Overloaded(l.now) {
		t.Fatal("a queue that was not empty for a tenth of the timeout is not overloaded")
	}
	if got := l.order(); !slices.Equal(got, []int{4, 3, 2}) {
		t.Errorf("went in the order %v; want 4 3 2, and the first too old", got)
	}
	l.Sweep(l.now)
	if l.told[1] != Shed {
		t.Errorf("the first was told %v; want that it is shed", l.told[1])
	}
	if l.Overloaded(l.now) {
		t.Error("an empty queue is overloaded")
	}
}

func TestImportantGoesFirst(t *testing.T) {
	l := newLine(10, time.Second)
	for _, p := range []Priority{Low, Normal, High, Low, High} {
		l.push(p)
	}
	if got := l.order(); !slices.Equal(got, []int{3, 5, 2, 1, 4}) {
		t.Errorf("went in the order %v; want high, normal, low", got)
	}
}

func TestFullQueueShedsTheLeastImportantThatWaitedLongest(t *testing.T) {
	l := newLine(3, time.Second)
	l.push(Normal)
	l.push(Low)
	l.push(Low)
	if ok := l.push(Normal); !ok || l.told[2] != Shed || l.Len() != 3 {
		t.Errorf("the older low one was told %v, %d wait", l.told[2], l.Len())
	}
	l.push(High) // sheds the other low one
	if ok := l.push(Low); ok {
		t.Error("a low one pushed a more important one out")
	}
	if ok := l.push(High); !ok || l.told[1] != Shed {
		t.Errorf("a high one did not push the oldest normal one out: told %v", l.told)
	}
}

func TestQueueOfNothingTakesNobody(t *testing.T) {
	l := newLine(0, time.Second)
	if ok := l.push(High); ok || l.Len() != 0 {
		t.Error("a queue for nobody took one")
	}
}

func TestNobodyWaitsLongerThanTheTimeout(t *testing.T) {
	l := newLine(10, time.Second)
	l.push(Normal)
	l.now = l.now.Add(time.Second)
	l.Sweep(l.now)
	if l.told[1] != Expired {
		t.Errorf("told %v; want that it has expired", l.told[1])
	}
	w := &Waiter{Since: l.now.Add(-time.Second), Wake: func(Verdict) {}}
	if l.Push(w, l.now) {
		t.Error("one that has waited its time already was taken again")
	}
}

func TestOneThatComesBackKeepsItsTime(t *testing.T) {
	l := newLine(10, time.Second)
	l.push(Normal)
	l.now = l.now.Add(10 * time.Millisecond)
	l.Next(l.now)
	w := l.of[1]
	since := w.Since
	if !l.Push(w, l.now) || w.Since != since {
		t.Errorf("it waits since %v; want since %v", w.Since, since)
	}
}

// TestEveryWaiterIsToldOnce is a model: whoever was taken is told exactly
// once, or was removed; the queue is never over its bound, and what it calls
// its length is how many wait.
func TestEveryWaiterIsToldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 5).Draw(t, "most")
		l := newLine(most, time.Second)
		waiting, times := map[int]bool{}, map[int]int{}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				p := Priority(rapid.IntRange(0, 2).Draw(t, "priority"))
				l.n++
				id := l.n
				w := &Waiter{Priority: p}
				w.Wake = func(Verdict) {
					times[id]++
					if !waiting[id] {
						t.Fatalf("%d was told while it did not wait", id)
					}
					delete(waiting, id)
				}
				l.of[id] = w
				if l.Push(w, l.now) {
					waiting[id] = true
				}
			},
			"next":  func(*rapid.T) { l.Next(l.now) },
			"sweep": func(*rapid.T) { l.Sweep(l.now) },
			"time": func(t *rapid.T) {
				l.now = l.now.Add(time.Duration(rapid.Int64Range(0, int64(300*time.Millisecond)).Draw(t, "pause")))
			},
			"remove": func(t *rapid.T) {
				if l.n == 0 {
					t.Skip()
				}
				id := rapid.IntRange(1, l.n).Draw(t, "id")
				if l.Remove(l.of[id]) != waiting[id] {
					t.Fatalf("Remove of %d disagrees on whether it waits", id)
				}
				delete(waiting, id)
			},
			"": func(t *rapid.T) {
				if l.Len() != len(waiting) || l.Len() > most {
					t.Fatalf("%d wait by its own count, %d by ours, %d may", l.Len(), len(waiting), most)
				}
			},
		})
		for id, n := range times {
			if n > 1 {
				t.Fatalf("%d was told %d times", id, n)
			}
		}
		l.now = l.now.Add(time.Second)
		l.Sweep(l.now)
		if len(waiting) > 0 {
			t.Fatalf("%v wait for longer than the timeout", waiting)
		}
	})
}
