package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// What a newcomer can still read. House style is far below: files around 150
// lines, functions around 15.
const (
	mostFile     = 600 // lines
	mostFunction = 100
)

// source is the Go code of the module, tests and integration tests included.
type source struct {
	set   *token.FileSet
	files map[string]*ast.File // by path from the root of the module
}

var readSource = sync.OnceValues(func() (*source, error) {
	s := &source{token.NewFileSet(), map[string]*ast.File{}}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".."):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		name, _ := filepath.Rel("..", path)
		s.files[name], err = parser.ParseFile(s.set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		return err
	})
	return s, err
})

func readModule(t *testing.T) *source {
	t.Helper()
	s, err := readSource()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.files) < 100 {
		t.Fatalf("only %d files were found; want the whole module", len(s.files))
	}
	return s
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }

// lines returns on how many lines a node stands.
func (s *source) lines(n ast.Node) int {
	return s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
}

func TestEveryPackageSaysOnceWhatItIs(t *testing.T) {
	comments, code := map[string]int{}, map[string]bool{}
	for name, f := range readModule(t).files {
		dir := filepath.Dir(name)
		if f.Doc != nil && !strings.HasSuffix(f.Name.Name, "_test") {
			comments[dir]++
		}
		code[dir] = code[dir] || !isTest(name)
	}
	for dir := range code {
		if comments[dir] != 1 {
			t.Errorf("%s has %d package comments; want one", dir, comments[dir])
		}
	}
}

func TestNothingIsTooLongToRead(t *testing.T) {
	s := readModule(t)
	for name, f := range s.files {
		if isTest(name) {
			continue
		}
		if n := s.set.File(f.Pos()).LineCount(); n > mostFile {
			t.Errorf("%s has %d lines, more than %d; split it by what its parts are about", name, n, mostFile)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && s.lines(fn) > mostFunction {
				t.Errorf("%s: %s has %d lines, more than %d", name, fn.Name.Name, s.lines(fn), mostFunction)
			}
		}
	}
}

var (
	unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
	withReason = regexp.MustCompile(`\b(TODO|FIXME)\([^)\s][^)]*\): \S+`)
)

func TestWhatIsUnfinishedSaysWhy(t *testing.T) {
	s := readModule(t)
	for _, f := range s.files {
		for _, group := range f.Comments {
			for _, c := range group.List {
				if unfinished.MatchString(c.Text) && !withReason.MatchString(c.Text) {
					t.Errorf("%s: write TODO(issue or reason): what is to be done", s.set.Position(c.Pos()))
				}
			}
		}
	}
}
