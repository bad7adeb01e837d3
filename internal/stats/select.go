package stats

import "slices"

// Select returns what would stand at place k if values were sorted, which they
// are not afterwards: only that what stands before k is not larger and what
// stands behind it not smaller. k must be a place in values, and none of them
// NaN. It takes time in proportion to their number (Hoare's Find, 1961); where
// the order they come in is against it, it sorts.
func Select[T ~int64 | ~float64](values []T, k int) T {
	v := values
	for tries := 0; len(v) > 16; tries++ {
		if tries == 32 {
			break
		}
		less, more := split(v)
		switch {
		case k < less:
			v = v[:less]
		case k >= more:
			v, k = v[more:], k-more
		default:
			return v[k]
		}
	}
	slices.Sort(v)
	return v[k]
}

// split moves what is below a middle value before place less and what is above
// it to place more and behind; between stand values that equal it.
func split[T ~int64 | ~float64](v []T) (less, more int) {
	n := len(v)
	pivot := median3(median3(v[0], v[n/8], v[n/4]), median3(v[3*n/8], v[n/2], v[5*n/8]), median3(v[3*n/4], v[7*n/8], v[n-1]))
	i, j := 0, n-1
	for {
		for v[i] < pivot {
			i++
		}
		for v[j] > pivot {
			j--
		}
		if i >= j {
			break
		}
		v[i], v[j] = v[j], v[i]
		i++
		j--
	}
	// All before i are at most the pivot, all from i on at least.
	less, more = i, i
	for less > 0 && v[less-1] == pivot {
		less--
	}
	for more < n && v[more] == pivot {
		more++
	}
	return less, more
}

func median3[T ~int64 | ~float64](a, b, c T) T { return max(min(a, b), min(max(a, b), c)) }
