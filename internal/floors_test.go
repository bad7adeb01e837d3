// Package internal holds the floors of the house, and the test that keeps
// them.
package internal

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors are the packages from the ground up. Imports go down only: never up,
// never to a neighbour. A change of this table comes with an ADR.
var floors = [][]string{
	{"stats", "message", "buffer", "socket", "lab/rig", "lab/cells"},
	{"lb", "http1", "route", "scenario", "report"},
	{"guard/admit", "guard/flight", "guard/journal", "guard/readmit", "guard/retry"}, // guard is made of these
	{"guard/outlier", "guard/room"},
	{"balance", "config", "learn", "report/reporttest"}, // reporttest is for those who look at pages
	{"balance/boundedhash", "balance/hotcold", "balance/leastrequest", "balance/maglev", "balance/p2c", "balance/peakewma", "balance/random", "balance/ringhash", "balance/roundrobin"},
	{"balance/expecteddelay"}, // asks maglev where a key belongs
	{"balance/catalog"},
	{"record", "trust", "twin"}, // transport and listener count with the counters of record; decide judges by the twin
	{"cluster", "decide", "guard", "probe", "transport", "twin/twintest"}, // twintest is for tests
	{"decide/recording", "whatif"},                                        // both look at a judge
	{"proxy", "engine", "listener", "telemetry", "admin", "worker", "load", "sim"},
	{"app", "lab", "lab/bench", "sim/suite", "top"},
	{"watch"}, // shows a running Poise by top
}

// pure packages have no I/O, clock, goroutine or dice of their own.
var pure = []string{"stats", "message", "scenario", "lb", "http1", "route", "balance", "learn", "twin", "decide", "trust", "whatif", "report", "top", "guard"}

var impureImports = []string{"os", "net", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "syscall", "os/exec"}

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "poise/internal/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != "poise/internal" {
			all = append(all, p)
		}
	}
}

func floorOf(name string) int {
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, name) })
}

// upward returns the imports of name that do not go down.
func upward(name string, imports []string) (bad []string) {
	for _, i := range imports {
		if other, ours := strings.CutPrefix(i, "poise/internal/"); ours && floorOf(other) >= floorOf(name) {
			bad = append(bad, other)
		}
	}
	return bad
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "poise/internal/")
		if floorOf(name) < 0 {
			t.Errorf("%s stands on no floor; put it into the table, with an ADR", name)
		}
		for _, other := range upward(name, p.Imports) {
			t.Errorf("%s imports %s, which is not below it; declare a small interface in %s and let app wire it", name, other, name)
		}
		if slices.Contains(p.Imports, "poise/internal/config") && name != "app" && name != "admin" {
			t.Errorf("%s imports config; take Options of its own and let app translate", name)
		}
	}
}

func TestFloorsWouldCatchAnUpwardImport(t *testing.T) {
	if got := upward("lb", []string{"poise/internal/stats", "poise/internal/proxy", "poise/internal/route"}); !slices.Equal(got, []string{"proxy", "route"}) {
		t.Errorf("caught %q; want proxy, which is above lb, and route, its neighbour", got)
	}
}

func TestPurePackagesStayPure(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, "poise/internal/")
		if top, _, _ := strings.Cut(name, "/"); !slices.Contains(pure, top) {
			continue
		}
		for _, i := range p.Imports {
			if slices.Contains(impureImports, i) {
				t.Errorf("%s imports %s; a pure package takes what it needs as an argument", name, i)
			}
		}
		for _, f := range p.GoFiles {
			checkPure(t, filepath.Join(p.Dir, f))
		}
	}
}

func checkPure(t *testing.T, file string) {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a pure package starts no goroutine", set.Position(n.Pos()))
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer", "NewTicker", "AfterFunc"}, n.Sel.Name) {
				t.Errorf("%s: time.%s: a pure package takes the time as an argument", set.Position(n.Pos()), n.Sel.Name)
			}
		}
		return true
	})
}
