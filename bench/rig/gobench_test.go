package rig

import (
	"reflect"
	"testing"
)

func TestBenchmarksAreRead(t *testing.T) {
	got := benchmarks(`goos: linux
BenchmarkPick/expected-delay/100-2    1000   201.5 ns/op   0 B/op   0 allocs/op
BenchmarkPick/expected-delay/100-2    1000   203 ns/op
BenchmarkAppend    1000   12 ns/op   5 MB/s
PASS
`)
	want := map[string][]float64{"BenchmarkPick/expected-delay/100": {201.5, 203}, "BenchmarkAppend": {12}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
}
