package message

import "strconv"

// Refusal is an answer that Poise gives in place of an endpoint's.
type Refusal struct {
	Status int    // 400 to 599
	Word   string // for the Poise-Error field, the access log and metrics: short, stable, kebab-case
	Text   string // one line for a person, without a line end
}

// Error makes a Refusal an error: "400 bad-field: …".
func (r *Refusal) Error() string {
	return strconv.Itoa(r.Status) + " " + r.Word + ": " + r.Text
}
