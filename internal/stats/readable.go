package stats

import "strconv"

// Readable writes a time of so many seconds in three digits: 0.42 ms, 20.8 ms,
// 143 ms, and from ten seconds on 12.3 s. Nothing takes no time at all, so 0 is
// a time that is not known, as NaN is: "-".
func Readable(seconds float64) string {
	ms := 1000 * seconds
	switch {
	case !(seconds > 0):
		return "-"
	case ms < 9.995:
		return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
	case ms < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 9999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	}
	return strconv.FormatFloat(seconds, 'f', 1, 64) + " s"
}
