package guard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// benchRuns is how often the benchmark of the request path is run.
const benchRuns = 6

// PathCost runs the benchmark of the guard's request path: nanoseconds and
// allocations of each run.
func PathCost(ctx context.Context) (ns, allocations []float64, err error) {
	out, err := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkRequest$", "-benchmem",
		"-count", strconv.Itoa(benchRuns), "./internal/guard").CombinedOutput()
	if err != nil {
		return nil, nil, fmt.Errorf("go test -bench: %w: %s", err, out)
	}
	return parseBench(string(out))
}

// parseBench reads what `go test -bench` printed.
func parseBench(out string) (ns, allocations []float64, err error) {
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || !strings.HasPrefix(f[0], "BenchmarkRequest") {
			continue
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", lines.Text(), err)
			}
			switch f[i+1] {
			case "ns/op":
				ns = append(ns, v)
			case "allocs/op":
				allocations = append(allocations, v)
			}
		}
	}
	if len(ns) == 0 || len(ns) != len(allocations) {
		return nil, nil, errors.New("internal/guard has no BenchmarkRequest that prints ns/op and allocs/op")
	}
	return ns, allocations, nil
}
