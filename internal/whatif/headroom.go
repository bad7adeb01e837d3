package whatif

import (
	"errors"
	"math"
)

// headroom searches the load at which p99 is twice what it is now, as the
// model computes both.
func (a *asked) headroom() (*Headroom, error) {
	low, high, limit := 0.0, 0.0, Refusal("")
	for at := 1.0; high == 0 || low == 0; {
		over, err := a.doubled(at)
		refused, is := errors.AsType[Refusal](err)
		switch {
		case err != nil && (!is || at < 1):
			return nil, err
		case err != nil:
			high, limit = at, refused
		case over:
			high, limit = at, ""
		default:
			low = at
		}
		switch {
		case high == 0 && at >= MostLoad:
			return &Headroom{Times: low, AtLeast: true, Why: "more is not looked at"}, nil
		case high == 0:
			at = min(at*2, MostLoad)
		case low == 0 && at <= LeastLoad:
			return nil, refuse("p99 is twice what it is now with any load that is worth the name")
		case low == 0:
			at = max(at/2, LeastLoad)
		}
	}
	return a.between(low, high, limit)
}

// between narrows the headroom down. unknown says why nothing is known of
// high; "" when p99 has doubled there.
func (a *asked) between(low, high float64, unknown Refusal) (*Headroom, error) {
	for high/low > within {
		at := math.Sqrt(low * high)
		over, err := a.doubled(at)
		refused, is := errors.AsType[Refusal](err)
		switch {
		case err != nil && !is:
			return nil, err
		case err != nil:
			high, unknown = at, refused
		case over:
			high, unknown = at, ""
		default:
			low = at
		}
	}
	if unknown != "" {
		return &Headroom{Times: low, AtLeast: true, Why: string(unknown)}, nil
	}
	return &Headroom{Times: math.Sqrt(low * high)}, nil
}

// within is how exact the headroom is.
const within = 1.05

// doubled reports whether p99 would be twice what it is now, which it is where
// queues have no end.
func (a *asked) doubled(load float64) (bool, error) {
	if a.possible(load) != nil {
		return true, nil
	}
	b, err := a.play(load)
	double := 2 * a.again.P99
	switch {
	case err != nil:
		return false, err
	case b.best.P99 >= double:
		return true, nil
	case !b.endless && b.worst.P99 < double:
		return false, nil
	}
	return false, b.unknown()
}
