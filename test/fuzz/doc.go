// Package fuzz holds internal/http1 against two readers that share no code
// with it: the strict one of the conformance suite, and net/http. What http1
// takes, they must take with the same meaning, but for the exceptions that
// are named here with their reasons.
package fuzz
