package route

import (
	"fmt"
	"testing"
)

// manySpecs are n routes of the usual kind, a host and a prefix each.
func manySpecs(n int) []Spec {
	var specs []Spec
	for i := range n {
		specs = append(specs, Spec{
			Match: Match{Host: fmt.Sprintf("host%d.example.com", i/4), Path: Path{Prefix, fmt.Sprintf("/service%d", i)}},
			To:    []Target{{"c", 1}},
		})
	}
	return specs
}

// BenchmarkMatch takes the last of n routes, the dearest.
func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		for _, c := range []struct{ name, path string }{{"plain", "/service%d/x?q=1"}, {"dots", "/a/../service%d/%%7Ex?q=1"}} {
			b.Run(fmt.Sprintf("%s-%d", c.name, n), func(b *testing.B) {
				all := compiled(b, manySpecs(n)...)
				h := request(fmt.Sprintf("GET host%d.example.com:8080 "+c.path, (n-1)/4, n-1), "User-Agent: x", "Accept: */*")
				s := &Scratch{}
				b.ReportAllocs()
				for b.Loop() {
					if r, _ := all.Match(h, s); r == nil || r.Index != n-1 {
						b.Fatal(r)
					}
				}
			})
		}
	}
}
