package decide

// Scale makes a prediction that many times what it is, in all of its parts.
// It is for Distort: a judge that is lied to must be lied to consistently, or
// the confidence gate sees through it.
func (c *Candidate) Scale(times float64) {
	for _, v := range []*float64{&c.Loss, &c.Low, &c.High, &c.Mean, &c.P50, &c.P99} {
		*v *= times
	}
	for i := range c.blocks {
		c.blocks[i] *= times
	}
}
