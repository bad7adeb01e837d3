package twin

import "time"

// moment is when something happens: a job ends or, with the complement of its
// number, a station that shares may be done with one.
type moment struct {
	at      time.Duration
	job     int32
	version int32
}

// calendar is a heap of moments. container/heap would box each of them.
type calendar []moment

func (h *calendar) push(m moment) {
	*h = append(*h, m)
	a := *h
	i := len(a) - 1
	for i > 0 && a[(i-1)/2].at > m.at {
		a[i] = a[(i-1)/2]
		i = (i - 1) / 2
	}
	a[i] = m
}

func (h *calendar) pop() moment {
	a := *h
	first, m := a[0], a[len(a)-1]
	a = a[:len(a)-1]
	*h = a
	if len(a) == 0 {
		return first
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= len(a) {
			break
		}
		if c+1 < len(a) && a[c+1].at < a[c].at {
			c++
		}
		if m.at <= a[c].at {
			break
		}
		a[i] = a[c]
		i = c
	}
	a[i] = m
	return first
}
