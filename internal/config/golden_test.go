package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what is seen into the golden files")

// golden is a file of testdata: a document and what becomes of it, in two
// sections with a line "-- name --" above each.
type golden struct{ path, document, title, want string }

func readGolden(t *testing.T, path string) golden {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := strings.CutPrefix(string(text), "-- config.yaml --\n")
	document, rest, found := strings.Cut(rest, "\n-- ")
	title, want, closed := strings.Cut(rest, " --\n")
	if !ok || !found || !closed {
		t.Fatalf("%s is not made of two sections", path)
	}
	return golden{path, document + "\n", title, want}
}

func (g *golden) compare(t *testing.T, got string) {
	t.Helper()
	if *update {
		text := "-- config.yaml --\n" + g.document + "-- " + g.title + " --\n" + got
		if err := os.WriteFile(g.path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != g.want {
		t.Errorf("got\n%s\nwant\n%s", got, g.want)
	}
}

func eachGolden(t *testing.T, folder string, f func(t *testing.T, g golden)) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files in %s: %v", folder, err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { f(t, readGolden(t, path)) })
	}
}

func TestEveryMistakeHasItsPlaceAndItsHint(t *testing.T) {
	eachGolden(t, "problems", func(t *testing.T, g golden) {
		c, problems := Parse(Document{"config.yaml", []byte(g.document)}, testEnv())
		if c != nil || len(problems) == 0 {
			t.Fatal("no problem was found")
		}
		g.compare(t, problems.Error()+"\n")
	})
}

func TestResolvedDocumentHasEveryDefault(t *testing.T) {
	eachGolden(t, "resolved", func(t *testing.T, g golden) {
		g.compare(t, string(parse(t, g.document).Resolved()))
	})
}
