package bench

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"poise/internal/report"
)

// Write writes a report: the page, the text beside it, and if so wished every
// plot in a directory of the same name. The file's own ending does not matter.
func Write(results *report.Results, file string, plots bool) error {
	stem := strings.TrimSuffix(file, filepath.Ext(file))
	dir := ""
	if plots {
		dir = stem + "-plots"
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is to be read
			return err
		}
		for name, text := range results.Plots() {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // the same
				return err
			}
		}
		dir = filepath.Base(dir)
	}
	return errors.Join(
		writeTo(stem+".html", results.HTML),
		writeTo(stem+".md", func(w io.Writer) error { return results.Markdown(w, dir) }),
	)
}

func writeTo(file string, write func(io.Writer) error) error {
	f, err := os.Create(file) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
