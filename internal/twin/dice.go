package twin

import "poise/internal/balance"

// uniform returns a number in [0, 1) that depends on seed and n alone: the
// same request has the same luck under every policy.
func uniform(seed, n uint64) float64 {
	return float64(balance.Mix(seed*0x9e3779b97f4a7c15+n*0xd1342543de82ef95+1)>>11) / (1 << 53)
}
