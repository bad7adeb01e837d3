package config

// Suggestion returns "did you mean X?" with the known word that a wrong one
// was probably meant to be, "" when none is near.
func Suggestion(wrong string, known []string) string { return didYouMean(nearest(wrong, known)) }
